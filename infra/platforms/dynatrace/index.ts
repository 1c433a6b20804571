import { demo } from '../sandbox/demo.ts'
import { type Answer, type Call, json, type Platform, segments } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { createEvents, type EventReport } from './events.ts'
import { selected, timeOf } from './input.ts'
import { sloPage, wrongPage } from './page.ts'
import { errorResponse, sloResponse, statusOf, violated } from './responses.ts'
import { createSlos, type Slo } from './slos.ts'

/** An SLO as `/sandbox/slos` lists it, for people and tests. */
export interface SloSummary extends Slo {
  status: string
  url: string
}

export interface Dynatrace extends Platform {
  slos(root: string): SloSummary[]
  /** The events that were ingested, one for each entity, oldest first. */
  reports(): EventReport[]
}

/** Of what is evaluated, on one page. */
const MAX_EVALUATED = 25
const MAX_LISTED = 10_000

/**
 * Fakes the part of Dynatrace's environment API v2 that evaluates service-level objectives, and ingests and lists events.
 * There is an objective for each service of the demo. A page sets its value, which is the same for every timeframe.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/service-level-objectives-classic
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/post-event
 */
export function createDynatrace(store: Store): Dynatrace {
  const slos = createSlos(store)
  const names = () => slos.all().map(({ name }) => name)
  const events = createEvents(store, names)

  function route(call: Call): Answer {
    const [api, version, what = '', id, ...more] = segments(call.path)
    if (api !== 'api' || version !== 'v2' || more.length > 0) return errorResponse(404, 'HTTP 404 Not Found')
    const place = what === 'slo' ? 'slo' : [what, id].filter(Boolean).join('/')
    const answers: Record<string, { method: string; answer(): Answer }> = {
      slo: { method: 'GET', answer: () => (id === undefined ? list(call) : one(call, id)) },
      events: { method: 'GET', answer: () => events.list(call) },
      'events/ingest': { method: 'POST', answer: () => events.ingest(call) },
    }
    const found = Object.hasOwn(answers, place) ? answers[place] : undefined
    if (!found) return errorResponse(404, 'HTTP 404 Not Found')
    return call.method === found.method ? found.answer() : errorResponse(405, 'HTTP 405 Method Not Allowed')
  }

  function one({ query }: Call, id: string): Answer {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return violated('id', 'must be a UUID', 'PATH')
    const slo = slos.all().find((known) => known.id === id.toLowerCase())
    return (
      wrongTime(query) ?? (slo ? json(200, sloResponse(slo, true)) : errorResponse(404, `SLO with id ${id} not found`))
    )
  }

  function list({ query }: Call): Answer {
    const key = query.get('nextPageKey')
    if (key === null) return page(query, 0)
    if ([...query.keys()].length > 1) return violated('nextPageKey', 'must stand alone: leave the other parameters out')
    const [at = '', rest = ''] = Buffer.from(key, 'base64url').toString('utf8').split(' ')
    return /^\d+$/.test(at) ? page(new URLSearchParams(rest), Number(at)) : violated('nextPageKey', 'is not valid')
  }

  function page(query: URLSearchParams, at: number): Answer {
    const evaluate = query.get('evaluate') ?? 'false'
    if (evaluate !== 'true' && evaluate !== 'false') return violated('evaluate', 'must be true or false')
    const maxSize = evaluate === 'true' ? MAX_EVALUATED : MAX_LISTED
    const pageSize = Number(query.get('pageSize') ?? 10)
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > maxSize) {
      return violated('pageSize', `must be a whole number from 1 to ${maxSize}`)
    }
    const wanted = selected(query.get('sloSelector') ?? '')
    if (typeof wanted === 'string') return violated('sloSelector', wanted)
    const wrong = wrongTime(query)
    if (wrong) return wrong
    const found = slos.all().filter(wanted)
    const end = at + pageSize
    const nextPageKey = Buffer.from(`${end} ${query}`).toString('base64url')
    return json(200, {
      slo: found.slice(at, end).map((slo) => sloResponse(slo, evaluate === 'true')),
      pageSize,
      totalCount: found.length,
      ...(end < found.length ? { nextPageKey } : {}),
    })
  }

  /** Changes an SLO. The form contains `slo` and at least one of `value`, `target` and `warning`. */
  function set({ body }: Call): Answer {
    const form = new URLSearchParams(body)
    const named = form.get('slo') ?? ''
    const slo = slos.all().find(({ id, name }) => named === id || named === name)
    if (!slo) return wrongPage(404, `There is no SLO "${named}": there are ${names().join(', ')}.`)
    const given = (name: 'value' | 'target' | 'warning') => {
      const text = form.get(name)?.trim()
      return text === undefined ? slo[name] : text === '' ? null : Number(text)
    }
    const [value, target, warning] = [given('value'), given('target'), given('warning')]
    if (target === null || warning === null || ![value ?? 0, target, warning].every(isPercentage)) {
      return wrongPage(400, 'value, target and warning are percentages: 99.5. An empty value stands for no data.')
    }
    if (warning < target) return wrongPage(400, 'The warning must not be below the target.')
    slos.save({ ...slo, value, target, warning })
    return { status: 303, headers: { location: '/sandbox/dynatrace' } }
  }

  const dynatrace: Dynatrace = {
    error: (status, message) => errorResponse(status, message),
    answer: (call) => refuseCaller(call) ?? route(call),
    page: ({ path, root }) =>
      path === '/' || path === '/ui/slo' ? sloPage(dynatrace.slos(root), events.all(), root) : undefined,
    actions: { '/set': async (call) => set(call) },
    slos: (root) =>
      slos.all().map((slo) => {
        return { ...slo, status: statusOf(slo), url: `${root}/ui/slo?id=${slo.id}` }
      }),
    reports: events.all,
  }
  return dynatrace
}

function refuseCaller({ headers }: Call): Answer | undefined {
  const [, token] = /^api-token +(\S+)$/i.exec(headers.authorization ?? '') ?? []
  if (token === demo.dynatraceToken) return undefined
  if (headers.authorization === undefined) return errorResponse(401, 'Missing authorization parameter.')
  return errorResponse(401, 'Token Authentication failed')
}

function wrongTime(query: URLSearchParams): Answer | undefined {
  const timeFrame = query.get('timeFrame') ?? 'CURRENT'
  if (timeFrame !== 'CURRENT' && timeFrame !== 'GTF') return violated('timeFrame', 'must be CURRENT or GTF')
  const wrong = ['from', 'to'].find((name) => query.has(name) && timeOf(query.get(name) ?? '') === undefined)
  return wrong === undefined ? undefined : violated(wrong, `must be a time, not ${query.get(wrong)}`)
}

function isPercentage(value: number): boolean {
  return value >= 0 && value <= 100
}
