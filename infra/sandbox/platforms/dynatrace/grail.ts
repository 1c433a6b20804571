import { randomUUID } from 'node:crypto'
import { bearer, type FakeCall, type FakeReply, isObject, json, jsonObject, mediaType } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { type Event, parseDql } from './dql.ts'
import { errorResponse } from './responses.ts'

interface Tokens {
  /** For queries: a platform token. */
  platform: string
  /** For events: an access token. */
  ingest: string
}

/** The stored events of the environment. */
export interface Grail {
  /** Returns undefined for the paths of other APIs. */
  answer(call: FakeCall): FakeReply | undefined
  /** Oldest first. */
  events(): Event[]
  add(event: Event): void
  /** How many queries return before their result is complete. */
  takes: number
  /** How many queries do not find the newest events yet. */
  late: number
}

const MAX_BODY_BYTES = 10 * 1024 * 1024

/**
 * Fakes the ingestion of business events and of events of the software development lifecycle, and queries for them.
 *
 * @param onEvent called for each ingested event
 * @see https://docs.dynatrace.com/docs/deliver/pipeline-observability-sdlc-events/sdlc-events
 * @see https://developer.dynatrace.com/develop/sdks/client-query
 */
export function createGrail(store: Store, tokens: Tokens, onEvent: (event: Event) => void = () => undefined): Grail {
  const stored = store.collection<Event>('dynatrace.events')
  /** The polls that are left until a query is complete, by its token. */
  const running = new Map<string, { query: string; left: number }>()

  const grail: Grail = {
    takes: 0,
    late: 0,
    answer(call) {
      switch (`${call.method} ${call.path}`) {
        case 'POST /platform/ingest/v1/events.sdlc':
          return ingest(call)
        case 'POST /platform/classic/environment-api/v2/bizevents/ingest':
          return authorized(call, () => ingestBusiness(call))
        case 'POST /platform/storage/query/v1/query:execute':
          return authorized(call, () => execute(jsonObject(call.body) ?? {}))
        case 'GET /platform/storage/query/v1/query:poll':
          return authorized(call, () => poll(call.query.get('request-token') ?? '', 200))
        default:
          return undefined
      }
    },
    events: () => stored.list(),
    add(event) {
      const filled = { timestamp: new Date().toISOString(), 'event.kind': 'SDLC_EVENT', ...event }
      stored.put(randomUUID(), filled)
    },
  }

  function ingest({ headers, body, size }: FakeCall): FakeReply {
    if (headers.authorization !== `Api-Token ${tokens.ingest}`) return errorResponse(401, 'Token Authentication failed')
    if (size > MAX_BODY_BYTES) return errorResponse(413, 'The payload is too large')
    const events = parsed(body)
    if (!Array.isArray(events) || !events.every(isFlat))
      return errorResponse(400, 'The body must be a list of flat objects')
    for (const event of events) {
      grail.add(event)
      onEvent(event)
    }
    return { status: 202, note: events.map((event) => `${event['event.type']} ${event['event.status']}`).join(', ') }
  }

  function ingestBusiness({ headers, body }: FakeCall): FakeReply {
    const { specversion, id, source, type, data = {}, ...others } = jsonObject(body) ?? {}
    if (mediaType(headers) !== 'application/cloudevent+json') return errorResponse(415, 'Unsupported Media Type')
    if (specversion !== '1.0' || ![id, source, type].every((field) => typeof field === 'string'))
      return errorResponse(400, 'specversion, id, source and type are required')
    if (!isFlat(data) || Object.keys(others).length > 0) return errorResponse(400, 'data must be a flat object')
    const event = { ...data, 'event.kind': 'BIZ_EVENT', 'event.id': id, 'event.type': type }
    grail.add(event)
    onEvent(event)
    return { status: 202, note: String(type) }
  }

  function authorized(call: FakeCall, answer: () => FakeReply): FakeReply {
    return bearer(call.headers) === tokens.platform ? answer() : errorResponse(401, 'Unauthorized')
  }

  function execute({ query }: Record<string, unknown>): FakeReply {
    if (typeof query !== 'string' || typeof parseDql(query) === 'string')
      return errorResponse(400, `The query is ${typeof query === 'string' ? parseDql(query) : 'missing'}`)
    const token = randomUUID()
    running.set(token, { query, left: grail.takes })
    return poll(token, 202)
  }

  function poll(token: string, unfinished: number): FakeReply {
    const found = running.get(token)
    if (!found) return errorResponse(410, 'The result is gone')
    if (found.left-- > 0)
      return json(unfinished, { state: 'RUNNING', requestToken: token, progress: 0, ttlSeconds: 399 })
    running.delete(token)
    const parsed = parseDql(found.query)
    if (typeof parsed === 'string') return errorResponse(400, parsed)
    const isLate = grail.late > 0
    if (isLate) grail.late--
    const isIn = (event: Event) => (event['event.kind'] === 'BIZ_EVENT') === (parsed.source === 'bizevents')
    const records = isLate ? [] : parsed.run(grail.events().filter(isIn))
    return json(200, { state: 'SUCCEEDED', progress: 100, result: { records, types: [], metadata: {} } })
  }

  return grail
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isFlat(event: unknown): event is Event {
  return isObject(event) && Object.values(event).every((value) => typeof value !== 'object' || value === null)
}
