import { randomUUID } from 'node:crypto'
import { routeTable } from '../../../testing/route-table.ts'
import { demo } from '../sandbox/demo.ts'
import {
  bearer,
  type FakeCall,
  type FakeReply,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  mediaType,
  type Platform,
} from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { createDatastore, keptnError } from './datastore.ts'
import { sequencePage } from './page.ts'
import type { KeptnEvent, RecordedEvent } from './recorded-event.ts'
import { keptnContextOf, refusalOf } from './rules.ts'
import type { Sso } from './sso.ts'

export interface Keptn extends Platform {
  /**
   * How long an accepted event stays invisible for read-back, in milliseconds: the real API answers before it
   * processes.
   */
  visibleAfterMs: number
  /** Everything recorded, oldest first, at once and with no delay. */
  events(): RecordedEvent[]
  /** Records an event of Keptn's own services. Returns its id. */
  record(event: Record<string, unknown> & { type: string }): string
}

const eventLimit = 64 * 1024

interface Route {
  method: string
  /** The scope that an OAuth token needs. */
  scope?: string
  answer(call: FakeCall): FakeReply
}

function reading(answer: Route['answer']): Route {
  return { method: 'GET', scope: 'cloudautomation:events:read', answer }
}

/**
 * Fakes the part of the API of Keptn 1.4.5 that a receiver uses: `/api/v1/event` with strict validation, `/api/v1/metadata`,
 * `/api/v1/auth`, and the queries `/api/mongodb-datastore/event` and `/event/type/{type}` (protocol, "Sending events back"
 * and "Reading back"). Keptn's API does not have `/record`: the simulated control plane sends its own events there, as
 * Keptn's services send them to their message bus.
 */
export function createKeptn(store: Store, sso: Sso, recorded: (event: RecordedEvent) => void): Keptn {
  const datastore = createDatastore(store)
  const keptn: Keptn = {
    visibleAfterMs: 50,
    events: datastore.all,
    error: keptnError,

    record({ id: givenId, time, ...event }) {
      const id = isText(givenId) ? givenId : randomUUID()
      insert({ ...event, id, time: isText(time) ? time : new Date().toISOString() }, 'control-plane', 0)
      return id
    },

    answer(call) {
      const route = routes[call.path] ?? routeByType(`GET ${call.path}`, {})
      if (!route) return keptnError(404, `path ${call.path} was not found`)
      if (call.method !== route.method) {
        return keptnError(405, `method ${call.method} is not allowed, but [${route.method}] are`)
      }
      return refuseCaller(call, route.scope) ?? route.answer(call)
    },

    page: (call) => page(`GET ${call.path}`, call),
  }

  const page = routeTable<FakeCall, FakeReply>()({
    'GET /bridge/project/{project}/sequence/{context}': ({ params: { project, context } }) => {
      const events = keptn.events().filter(({ event }) => event.shkeptncontext === context)
      return events.length > 0 ? sequencePage(project, events) : missingPage('sequence')
    },
  })

  const routes: Record<string, Route> = {
    '/api/v1/event': { method: 'POST', scope: 'cloudautomation:events:write', answer: accept },
    '/api/v1/auth': { method: 'POST', answer: () => json(200, {}) },
    '/api/v1/metadata': { method: 'GET', answer: () => json(200, metadata) },
    '/api/mongodb-datastore/event': reading(({ query }) => datastore.find(query)),
    '/record': { method: 'POST', answer: record },
  }
  const routeByType = routeTable<object, Route>()({
    'GET /api/mongodb-datastore/event/type/{type}': ({ params }) =>
      reading(({ query }) => datastore.findByType(params.type, query)),
  })

  function refuseCaller(call: FakeCall, scope?: string): FakeReply | undefined {
    if (call.headers['x-token'] === demo.keptnToken) return undefined
    if (call.headers['x-token'] !== undefined) return keptnError(401, 'incorrect api key auth')
    const token = bearer(call.headers)
    const granted = token === undefined ? undefined : sso.scopesOf(token)
    if (!granted) return keptnError(401, 'unauthenticated for invalid credentials')
    if (scope && !granted.includes(scope)) return keptnError(403, `the token lacks the scope ${scope}`)
    return undefined
  }

  function accept(call: FakeCall): FakeReply {
    const type = mediaType(call.headers)
    if (type !== 'application/json' && type !== 'application/cloudevents+json') {
      return keptnError(415, `unsupported media type "${type}", send application/json or application/cloudevents+json`)
    }
    if (call.size > eventLimit)
      return keptnError(400, `the event has ${call.size} bytes, at most ${eventLimit} are taken`)
    const body = jsonObject(call.body)
    if (!body) return keptnError(400, 'parsing body failed: it is not a JSON object')
    const refusal = refusalOf(body)
    if (refusal) return keptnError(400, refusal)

    const context = keptnContextOf(body.shkeptncontext)
    // Keptn replaces these three fields and drops unknown ones.
    const own = { specversion: '1.0', id: randomUUID(), time: new Date().toISOString(), shkeptncontext: context }
    const { type: eventType, source, data, triggeredid, gitcommitid, extensions, shkeptnspecversion } = body
    const contenttype = 'application/json'
    const event = { ...own, source, contenttype, triggeredid, gitcommitid, extensions, shkeptnspecversion, data }
    insert({ ...event, type: String(eventType) }, 'api', keptn.visibleAfterMs)
    return json(200, { keptnContext: context }, {}, String(eventType))
  }

  function record(call: FakeCall): FakeReply {
    const body = call.size <= MAX_BODY_BYTES ? jsonObject(call.body) : undefined
    if (!body || typeof body.type !== 'string') return keptnError(400, 'send one CloudEvent with a type as JSON')
    const id = keptn.record({ ...body, type: body.type })
    return json(200, { keptnContext: body.shkeptncontext ?? null, id }, {}, body.type)
  }

  function insert(event: KeptnEvent, via: RecordedEvent['via'], delayMs: number): void {
    const added = datastore.insert(event, via, delayMs)
    if (added) recorded(added)
  }

  return keptn
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

const metadata = {
  namespace: 'sandbox',
  keptnlabel: 'keptn',
  keptnversion: '1.4.5',
  bridgeversion: 'keptn/bridge2:1.4.5',
  automaticprovisioning: false,
}
