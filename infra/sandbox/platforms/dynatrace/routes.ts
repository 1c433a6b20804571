import { routeTable } from '../../../testing/route-table.ts'
import {
  type FakeCall,
  type FakeReply,
  isObject,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  mediaType,
  type Platform,
} from '../sandbox/http.ts'
import { criteriaOf, selected, timeOf } from './input.ts'
import { errorResponse, sloResponse, violated } from './responses.ts'
import type { Slo } from './slos.ts'

/** An event that was reported for one entity. */
export interface EventReport {
  at: string
  correlationId: string
  eventType: string
  title: string
  /** The name of the service; null for the environment. */
  entity: string | null
  /** Epoch milliseconds. */
  startTime: number
  endTime: number
  properties: Record<string, string>
}

interface IngestedEvent {
  eventType: string
  title: string
  entitySelector?: string
  startTime?: number
  endTime?: number
  timeout?: number
  properties?: Record<string, string>
}

export interface DynatraceState {
  token: string
  hasScope(scope: string): boolean
  slos(): readonly Slo[]
  /** Returns the names of the matching services, or the error of an invalid selector. */
  entities(selector: string): string[] | string
  /** Oldest first. */
  events(): EventReport[]
  /** Stores an event for each entity. */
  ingest(event: IngestedEvent, entities: (string | null)[]): { correlationId: string; status: string }[]
}

/** The maximum size of a page with evaluated SLOs. */
const MAX_EVALUATED = 25
const MAX_LISTED = 10_000
const EVENT_TYPES = [
  'AVAILABILITY_EVENT',
  'CUSTOM_ALERT',
  'CUSTOM_ANNOTATION',
  'CUSTOM_CONFIGURATION',
  'CUSTOM_DEPLOYMENT',
  'CUSTOM_INFO',
  'ERROR_EVENT',
  'MARKED_FOR_TERMINATION',
  'PERFORMANCE_EVENT',
  'RESOURCE_CONTENTION_EVENT',
]

/**
 * The part of the environment API v2 that evaluates service-level objectives, and ingests and lists events.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/service-level-objectives-classic
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2
 */
export function dynatraceRoutes(state: DynatraceState): Pick<Platform, 'answer' | 'error'> {
  const route = routeTable<FakeCall, FakeReply>()({
    'GET /api/v2/slo': (call) => withScope('slo.read', () => pageOf(call.query, listSlos)),
    'GET /api/v2/slo/{id}': (call) => withScope('slo.read', () => getSlo(call, call.params.id)),
    'GET /api/v2/events': (call) => withScope('events.read', () => pageOf(call.query, listEvents)),
    'POST /api/v2/events/ingest': (call) => withScope('events.ingest', () => ingest(call)),
    '{method} /api/v2/slo': notAllowed,
    '{method} /api/v2/slo/{id}': notAllowed,
    '{method} /api/v2/events': notAllowed,
    '{method} /api/v2/events/ingest': notAllowed,
  })

  function withScope(scope: string, then: () => FakeReply): FakeReply {
    if (state.hasScope(scope)) return then()
    return errorResponse(403, `Token is missing required scope. Use one of: ${scope} (${scope})`)
  }

  function getSlo({ query }: FakeCall, id: string): FakeReply {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return violated('id', 'must be a UUID', 'PATH')
    const slo = state.slos().find((slo) => slo.id === id.toLowerCase())
    return (
      wrongTime(query) ?? (slo ? json(200, sloResponse(slo, true)) : errorResponse(404, `SLO with id ${id} not found`))
    )
  }

  /** Returns the first page of a list, or the one that a key names. */
  function pageOf(query: URLSearchParams, page: (query: URLSearchParams, at: number) => FakeReply): FakeReply {
    const key = query.get('nextPageKey')
    if (key === null) return page(query, 0)
    if ([...query.keys()].length > 1) return violated('nextPageKey', 'must be the only parameter')
    const [at = '', rest = ''] = Buffer.from(key, 'base64url').toString('utf8').split(' ')
    return /^\d+$/.test(at) ? page(new URLSearchParams(rest), Number(at)) : violated('nextPageKey', 'is not valid')
  }

  function listSlos(query: URLSearchParams, at: number): FakeReply {
    const evaluate = query.get('evaluate') ?? 'false'
    if (evaluate !== 'true' && evaluate !== 'false') return violated('evaluate', 'must be true or false')
    const maxSize = evaluate === 'true' ? MAX_EVALUATED : MAX_LISTED
    const pageSize = Number(query.get('pageSize') ?? 10)
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > maxSize) {
      return violated('pageSize', `must be a whole number from 1 to ${maxSize}`)
    }
    const isSelected = selected(query.get('sloSelector') ?? '')
    if (typeof isSelected === 'string') return violated('sloSelector', isSelected)
    const wrong = wrongTime(query)
    if (wrong) return wrong
    const found = state.slos().filter(isSelected)
    const end = at + pageSize
    return json(200, {
      slo: found.slice(at, end).map((slo) => sloResponse(slo, evaluate === 'true')),
      pageSize,
      totalCount: found.length,
      ...nextPage(query, end, found.length),
    })
  }

  function ingest(call: FakeCall): FakeReply {
    if (mediaType(call.headers) !== 'application/json') return errorResponse(415, 'HTTP 415 Unsupported Media Type')
    const body = call.size <= MAX_BODY_BYTES ? jsonObject(call.body) : undefined
    if (!body) return errorResponse(400, 'Could not map JSON: the body must be a JSON object of at most 1 MB')
    const violations = violationsOf(body)
    if (!isEvent(body) || violations.length > 0) return errorResponse(400, 'Constraints violated.', violations)
    // Without a selector, the event belongs to the environment. A selector without matches creates no report.
    const entities = body.entitySelector === undefined ? [null] : state.entities(body.entitySelector)
    if (typeof entities === 'string') return violated('entitySelector', entities, 'PAYLOAD_BODY')
    const results = state.ingest(body, entities)
    const note = results.length > 0 ? body.title : 'no entity matches'
    return json(201, { reportCount: results.length, eventIngestResults: results }, {}, note)
  }

  function listEvents(query: URLSearchParams, at: number): FakeReply {
    const [from, to] = [timeOf(query.get('from') ?? 'now-2h'), timeOf(query.get('to') ?? 'now')]
    if (from === undefined) return violated('from', 'must be a time')
    if (to === undefined) return violated('to', 'must be a time')
    const pageSize = Number(query.get('pageSize') ?? 100)
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 1_000) {
      return violated('pageSize', 'must be a whole number from 1 to 1000')
    }
    const criteria = criteriaOf(query.get('eventSelector') ?? '')
    if (typeof criteria === 'string') return violated('eventSelector', criteria)
    const unknown = criteria.find(({ name }) => name !== 'eventType')
    if (unknown) return violated('eventSelector', `has ${unknown.name}: the fake supports eventType only`)
    const selector = query.get('entitySelector')
    const entities = selector ? state.entities(selector) : undefined
    if (typeof entities === 'string') return violated('entitySelector', entities)
    const found = state
      .events()
      .filter(({ startTime, endTime }) => startTime <= to && endTime >= from)
      .filter(({ eventType }) => criteria.every(({ texts }) => texts.includes(eventType)))
      .filter(({ entity }) => !entities || (entity !== null && entities.includes(entity)))
      .toReversed()
    const end = at + pageSize
    const events = found.slice(at, end).map(eventResponse)
    return json(200, { totalCount: found.length, pageSize, events, ...nextPage(query, end, found.length) })
  }

  return {
    error: (status, message) => errorResponse(status, message),

    answer(call) {
      const [, token] = /^api-token +(\S+)$/i.exec(call.headers.authorization ?? '') ?? []
      if (token === state.token)
        return route(`${call.method} ${call.path}`, call) ?? errorResponse(404, 'HTTP 404 Not Found')
      const isMissing = call.headers.authorization === undefined
      return errorResponse(401, isMissing ? 'Missing authorization parameter.' : 'Token Authentication failed')
    },
  }
}

function nextPage(query: URLSearchParams, end: number, count: number): { nextPageKey?: string } {
  return end < count ? { nextPageKey: Buffer.from(`${end} ${query}`).toString('base64url') } : {}
}

function notAllowed(): FakeReply {
  return errorResponse(405, 'HTTP 405 Method Not Allowed')
}

function isEvent(body: Record<string, unknown>): body is Record<string, unknown> & IngestedEvent {
  return violationsOf(body).length === 0
}

function wrongTime(query: URLSearchParams): FakeReply | undefined {
  const timeFrame = query.get('timeFrame') ?? 'CURRENT'
  if (timeFrame !== 'CURRENT' && timeFrame !== 'GTF') return violated('timeFrame', 'must be CURRENT or GTF')
  const wrong = ['from', 'to'].find((name) => query.has(name) && timeOf(query.get(name) ?? '') === undefined)
  return wrong === undefined ? undefined : violated(wrong, `must be a time, not ${query.get(wrong)}`)
}

function violationsOf(event: Record<string, unknown>) {
  const { eventType, title, entitySelector = '', properties = {}, startTime = 0, endTime = 0, timeout = 0 } = event
  const areTexts = isObject(properties) && Object.values(properties).every((value) => typeof value === 'string')
  const rules: [holds: boolean, path: string, message: string][] = [
    [EVENT_TYPES.includes(String(eventType)), 'eventType', `must be one of ${EVENT_TYPES.join(', ')}`],
    [typeof title === 'string' && title !== '' && title.length <= 500, 'title', 'must have 1 to 500 characters'],
    [typeof entitySelector === 'string', 'entitySelector', 'must be a text'],
    [areTexts, 'properties', 'must be texts'],
    [Object.keys(Object(properties)).length <= 100, 'properties', 'size must be between 0 and 100'],
    [Object.entries(Object(properties)).every(isProperty), 'properties', 'has a key or value that is not allowed'],
    [Number.isInteger(startTime), 'startTime', 'must be a whole number'],
    [Number.isInteger(endTime), 'endTime', 'must be a whole number'],
    [Number.isInteger(timeout), 'timeout', 'must be a whole number'],
  ]
  return rules
    .filter(([holds]) => !holds)
    .map(([, path, message]) => ({ path, message, parameterLocation: 'PAYLOAD_BODY' as const }))
}

function isProperty([key, value]: [string, unknown]): boolean {
  return key.length <= 100 && !key.startsWith('dt.') && String(value).length <= 4_096
}

/** @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/get-events */
function eventResponse({ correlationId, eventType, title, entity, startTime, endTime, properties }: EventReport) {
  const type = entity === null ? 'ENVIRONMENT' : 'SERVICE'
  const id = `${type}-${Buffer.from(entity ?? 'sandbox')
    .toString('hex')
    .slice(0, 16)
    .padEnd(16, '0')
    .toUpperCase()}`
  return {
    eventId: `${correlationId}_${startTime}`,
    correlationId,
    eventType,
    title,
    startTime,
    endTime,
    status: endTime > Date.now() ? 'OPEN' : 'CLOSED',
    entityId: { entityId: { id, type }, name: entity ?? 'sandbox' },
    properties: Object.entries(properties).map(([key, value]) => ({ key, value })),
    entityTags: [],
    managementZones: [],
    underMaintenance: false,
    suppressAlert: false,
    suppressProblem: false,
    frequentEvent: false,
  }
}
