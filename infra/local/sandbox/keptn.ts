import { randomUUID } from 'node:crypto'
import { demo } from './demo.ts'
import {
  type Answer,
  bearer,
  bodyLimit,
  type Call,
  json,
  jsonObject,
  mediaType,
  type Platform,
  segments,
} from './http.ts'
import { sequencePage } from './keptn-page.ts'
import { keptnContextOf, refusalOf } from './keptn-rules.ts'
import { missingPage } from './page.ts'
import type { Sso } from './sso.ts'
import type { Store } from './store.ts'

/** A CloudEvent as Keptn stores it. */
interface KeptnEvent extends Record<string, unknown> {
  id: string
  time: string
  type: string
  data?: unknown
}

/** One event as `/sandbox/events` lists it. */
export interface RecordedEvent {
  at: string
  /** `api`: sent back by a receiver; `control-plane`: put on the bus by the one who plays Keptn's part. */
  via: 'api' | 'control-plane'
  event: KeptnEvent
}

export interface Keptn extends Platform {
  /**
   * How long an accepted event stays invisible for read-back, in milliseconds: the real API answers before it
   * processes.
   */
  visibleAfterMs: number
  /** Everything recorded, oldest first, at once and with no delay. */
  events(): RecordedEvent[]
}

const eventLimit = 64 * 1024

/** What can be asked of the datastore, and the column that it is held against. */
const filters: Record<string, string> = {
  keptnContext: 'context',
  type: 'type',
  source: 'source',
  project: 'project',
  stage: 'stage',
  service: 'service',
  eventID: 'id',
}

/**
 * Plays the part of Keptn 1.4.5's API that a receiver uses: `/api/v1/event` with strict validation, `/api/v1/metadata`,
 * `/api/v1/auth` and the read-back at `/api/mongodb-datastore/event` (protocol, "Sending events back" and "Reading
 * back"). `/record` is no part of Keptn's API: it is where the one who plays the control plane puts its own events, as
 * Keptn's services do on their message bus.
 */
export function createKeptn(store: Store, sso: Sso, recorded: (event: RecordedEvent) => void): Keptn {
  const keptn: Keptn = {
    visibleAfterMs: 50,

    events: () =>
      store
        .all<{ at: string; via: 'api' | 'control-plane'; event: string }>(
          'SELECT at, via, event FROM events ORDER BY seq',
        )
        .map(({ event, ...rest }) => ({ ...rest, event: JSON.parse(event) })),

    error: (status, message) => json(status, { code: status, message }, {}, message),

    answer(call) {
      const route = routes[call.path]
      if (!route) return keptn.error(404, `path ${call.path} was not found`)
      if (call.method !== route.method) {
        return keptn.error(405, `method ${call.method} is not allowed, but [${route.method}] are`)
      }
      return refuseCaller(call, route.scope) ?? route.answer(call)
    },

    page({ path }) {
      const [bridge, , project, , context, ...more] = segments(path)
      if (bridge !== 'bridge' || context === undefined || more.length > 0) return undefined
      const events = keptn.events().filter(({ event }) => event.shkeptncontext === context)
      return events.length > 0 ? sequencePage(project ?? '', events) : missingPage('sequence')
    },
  }

  const routes: Record<string, { method: string; scope?: string; answer(call: Call): Answer }> = {
    '/api/v1/event': { method: 'POST', scope: 'cloudautomation:events:write', answer: accept },
    '/api/v1/auth': { method: 'POST', answer: () => json(200, {}) },
    '/api/v1/metadata': { method: 'GET', answer: () => json(200, metadata) },
    '/api/mongodb-datastore/event': { method: 'GET', scope: 'cloudautomation:events:read', answer: readBack },
    '/record': { method: 'POST', answer: record },
  }

  function refuseCaller(call: Call, scope?: string): Answer | undefined {
    if (call.headers['x-token'] === demo.keptnToken) return undefined
    if (call.headers['x-token'] !== undefined) return keptn.error(401, 'incorrect api key auth')
    const token = bearer(call.headers)
    const granted = token === undefined ? undefined : sso.scopesOf(token)
    if (!granted) return keptn.error(401, 'unauthenticated for invalid credentials')
    if (scope && !granted.includes(scope)) return keptn.error(403, `the token lacks the scope ${scope}`)
    return undefined
  }

  function accept(call: Call): Answer {
    const type = mediaType(call.headers)
    if (type !== 'application/json' && type !== 'application/cloudevents+json') {
      return keptn.error(415, `unsupported media type "${type}", send application/json or application/cloudevents+json`)
    }
    if (call.size > eventLimit)
      return keptn.error(400, `the event has ${call.size} bytes, at most ${eventLimit} are taken`)
    const body = jsonObject(call.body)
    if (!body) return keptn.error(400, 'parsing body failed: it is not a JSON object')
    const refusal = refusalOf(body)
    if (refusal) return keptn.error(400, refusal)

    const context = keptnContextOf(body.shkeptncontext)
    // As with the real one, what the caller says about these three is not looked at, and a field that Keptn does not
    // know is lost.
    const own = { specversion: '1.0', id: randomUUID(), time: new Date().toISOString(), shkeptncontext: context }
    const { type: eventType, source, data, triggeredid, gitcommitid, extensions, shkeptnspecversion } = body
    const contenttype = 'application/json'
    const event = { ...own, source, contenttype, triggeredid, gitcommitid, extensions, shkeptnspecversion, data }
    insert({ ...event, type: String(eventType) }, 'api', keptn.visibleAfterMs)
    return json(200, { keptnContext: context }, {}, String(eventType))
  }

  function record(call: Call): Answer {
    const body = call.size <= bodyLimit ? jsonObject(call.body) : undefined
    if (!body || typeof body.type !== 'string') return keptn.error(400, 'send one CloudEvent with a type as JSON')
    const { id, time, type } = body
    const event = {
      ...body,
      type,
      id: typeof id === 'string' && id ? id : randomUUID(),
      time: typeof time === 'string' && time ? time : new Date().toISOString(),
    }
    insert(event, 'control-plane', 0)
    return json(200, { keptnContext: body.shkeptncontext ?? null, id: event.id }, {}, type)
  }

  function insert(event: KeptnEvent, via: RecordedEvent['via'], delayMs: number): void {
    const at = new Date()
    const data = (event.data ?? {}) as Record<string, unknown>
    const text = (value: unknown) => (typeof value === 'string' ? value : null)
    // The real datastore holds one event per id: a second one with the same id changes nothing.
    if (store.get('SELECT seq FROM events WHERE id = ?', event.id)) return
    store.run(
      `INSERT INTO events (id, at, via, visible_at, time, context, type, source, project, stage, service, event)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      event.id,
      at.toISOString(),
      via,
      at.getTime() + delayMs,
      Date.parse(event.time) || at.getTime(),
      text(event.shkeptncontext),
      event.type,
      text(event.source),
      text(data.project),
      text(data.stage),
      text(data.service),
      JSON.stringify(event),
    )
    recorded({ at: at.toISOString(), via, event })
  }

  function readBack({ query }: Call): Answer {
    const pageSize = Number(query.get('pageSize') || 20)
    const offset = Number(query.get('nextPageKey') || 0)
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 100) {
      return keptn.error(422, 'pageSize in query should be an integer from 1 to 100')
    }
    if (!Number.isInteger(offset) || offset < 0) return keptn.error(400, 'nextPageKey in query should be an offset')
    const where: string[] = []
    const values: string[] = []
    for (const [name, value] of query) {
      if (name === 'pageSize' || name === 'nextPageKey' || value === '') continue
      // A filter that is not applied would answer with the wrong events, which is worse than a refusal.
      if (!filters[name]) return keptn.error(400, `the sandbox does not know the filter ${name}`)
      where.push(`AND ${filters[name]} = ?`)
      values.push(value)
    }
    const from = `FROM events WHERE visible_at <= ? ${where.join(' ')}`
    const now = Date.now()
    const { total = 0 } = store.get<{ total: number }>(`SELECT count(*) AS total ${from}`, now, ...values) ?? {}
    const rows = store.all<{ event: string }>(
      `SELECT event ${from} ORDER BY time DESC, seq DESC LIMIT ? OFFSET ?`,
      now,
      ...values,
      pageSize,
      offset,
    )
    const end = offset + rows.length
    return json(200, {
      events: rows.map(({ event }) => JSON.parse(event)),
      nextPageKey: end < total ? String(end) : '0',
      totalCount: total,
      pageSize,
    })
  }

  return keptn
}

const metadata = {
  namespace: 'sandbox',
  keptnlabel: 'keptn',
  keptnversion: '1.4.5',
  bridgeversion: 'keptn/bridge2:1.4.5',
  automaticprovisioning: false,
}
