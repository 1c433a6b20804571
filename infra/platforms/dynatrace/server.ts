import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

/** An SLO with what it shows of itself when it is evaluated. */
interface Slo {
  id: string
  name: string
  target: number
  warning: number | undefined
  evaluatedPercentage: number
  status: string
  error: string
  relatedOpenProblems: number
}

interface Event {
  eventType: string
  title: string
  entitySelector?: string
  startTime?: number
  endTime?: number
  timeout?: number
  properties: Record<string, string>
  correlationId: string
}

/** The state of the fake. Tests read and change it. */
interface DynatraceState {
  slos: Slo[]
  events: Event[]
  /** The scopes of the token. */
  scopes: string[]
  /** How many entities any selector matches. */
  matches: number
  /** The status of each event report, in order. Defaults to OK. */
  statuses: string[]
  /** How many look-ups do not show what is there. */
  listsLate: number
}

export interface DynatraceServer extends Served {
  token: string
  state: DynatraceState
  /** Changes the first SLO. */
  show(more: Partial<Slo>): void
}

/**
 * The parts of Dynatrace's environment API v2 about SLOs and events.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/service-level-objectives-classic
 * @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2
 */
export async function startDynatrace(): Promise<DynatraceServer> {
  const token = 'dt0c01.ABCDEFGH.0123456789ABCDEF'
  const state: DynatraceState = {
    slos: [
      {
        id: '7d07efde-b714-3e6e-ad95-08490e2540c4',
        name: 'Checkout availability',
        ...{ target: 99.5, warning: 99.9, evaluatedPercentage: 99.95, status: 'SUCCESS', error: 'NONE' },
        relatedOpenProblems: 0,
      },
    ],
    events: [],
    scopes: ['slo.read', 'events.ingest', 'events.read'],
    matches: 1,
    statuses: [],
    listsLate: 0,
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Api-Token ${token}`) return refused(401, 'Token Authentication failed')
    return answer(state, call)
  })
  return {
    ...served,
    token,
    state,
    show(more) {
      Object.assign(state.slos[0] as Slo, more)
    },
  }
}

function refused(code: number, message: string, constraintViolations: object[] = []): Reply {
  const violations = constraintViolations.length > 0 ? { constraintViolations } : {}
  return { status: code, body: { error: { code, message, ...violations } } }
}

function violated(path: string, message: string, parameterLocation = 'QUERY'): Reply {
  return refused(400, 'Constraints violated.', [{ path, message, parameterLocation, location: null }])
}

function answer(state: DynatraceState, { method, path, query, body }: Call): Reply {
  const needs = (scope: string) =>
    state.scopes.includes(scope)
      ? undefined
      : refused(403, `Token is missing required scope. Use one of: ${scope} (${scope})`)
  if (method === 'POST' && path === '/api/v2/events/ingest')
    return needs('events.ingest') ?? ingest(state, body as Record<string, unknown>)
  if (method === 'GET' && path === '/api/v2/events') return needs('events.read') ?? listEvents(state, query)
  if (method === 'GET' && path === '/api/v2/slo') return needs('slo.read') ?? listSlos(state, query)
  const [, id] = /^\/api\/v2\/slo\/([^/]+)$/.exec(path) ?? []
  if (method !== 'GET' || !id) return refused(404, 'Not found')
  const denied = needs('slo.read')
  if (denied) return denied
  const slo = state.slos.find((one) => one.id === id)
  return slo ? { status: 200, body: shown(slo, query) } : refused(404, `Slo with id ${id} not found`)
}

/** Its own timeframe, of a week, is what is evaluated where the times do not count. */
function shown({ warning, ...slo }: Slo, query: URLSearchParams) {
  const given = query.get('timeFrame') === 'GTF'
  return {
    ...slo,
    ...(warning === undefined ? {} : { warning }),
    ...(given ? {} : { evaluatedPercentage: 12.5, status: 'FAILURE' }),
    ...{ enabled: true, errorBudget: slo.evaluatedPercentage - slo.target, timeframe: '-1w' },
    ...{ evaluationType: 'AGGREGATE', filter: 'type("SERVICE")', relatedTotalProblems: 1 },
    errorBudgetBurnRate: { burnRateVisualizationEnabled: true, burnRateType: 'SLOW', burnRateValue: 0.5 },
  }
}

function listSlos({ slos }: DynatraceState, query: URLSearchParams): Reply {
  const selector = query.get('sloSelector') ?? ''
  const [, quoted] = /^name\("((?:~.|[^"~])*)"\)$/.exec(selector) ?? []
  if (selector !== '' && quoted === undefined) return violated('sloSelector', `Unexpected token in "${selector}"`)
  const name = quoted?.replace(/~(.)/g, '$1')
  const evaluate = query.get('evaluate') === 'true'
  const size = Number(query.get('pageSize') ?? 10)
  if (evaluate && size > 25) return violated('pageSize', 'must be at most 25 with evaluate')
  const found = slos.filter((slo) => name === undefined || slo.name === name).slice(0, size)
  const slo = found.map((one) =>
    evaluate ? shown(one, query) : { ...shown(one, query), evaluatedPercentage: -1, status: undefined },
  )
  return { status: 200, body: { slo, totalCount: found.length, pageSize: size } }
}

function ingest(state: DynatraceState, event: Record<string, unknown>): Reply {
  const { eventType, title, properties = {}, startTime, endTime } = event
  if (typeof eventType !== 'string' || typeof title !== 'string' || title.length > 500)
    return violated('title', 'must not be null, and at most 500 characters', 'PAYLOAD_BODY')
  const entries = Object.entries(properties as object)
  if (entries.length > 100) return violated('properties', 'size must be between 0 and 100', 'PAYLOAD_BODY')
  const wrong = entries.find(
    ([key, value]) => key.length > 100 || key.startsWith('dt.') || typeof value !== 'string' || value.length > 4_096,
  )
  if (wrong) return violated(`properties.${wrong[0].slice(0, 40)}`, 'is not allowed', 'PAYLOAD_BODY')
  const early = Date.now() - 30 * 86_400_000
  const untimely = Number(startTime ?? Date.now()) < early || Number(endTime ?? Infinity) <= Number(startTime ?? 0)
  const results = Array.from({ length: state.matches }, (_, at) => ({
    correlationId: `c7c5bfb8c0d1b6f${at}`,
    status: untimely ? 'INVALID_TIMESTAMPS' : (state.statuses[at] ?? 'OK'),
  }))
  for (const { correlationId, status } of results)
    if (status === 'OK') state.events.push({ ...(event as unknown as Event), correlationId })
  return { status: 201, body: { reportCount: results.length, eventIngestResults: results } }
}

function listEvents(state: DynatraceState, query: URLSearchParams): Reply {
  if (query.get('nextPageKey') && [...query.keys()].length > 1)
    return violated('nextPageKey', 'all other parameters must be omitted')
  const late = state.listsLate > 0
  if (late) state.listsLate--
  const type = /^eventType\("(\w+)"\)$/.exec(query.get('eventSelector') ?? '')?.[1]
  const [from, to] = [Number(query.get('from')), Number(query.get('to') ?? Date.now())]
  const events = state.events
    .filter(({ eventType }) => !late && (type === undefined || eventType === type))
    .filter(({ startTime = Date.now() }) => Number.isNaN(from) || (startTime >= from && startTime <= to))
    .map(({ properties, ...event }) => ({
      eventId: `${event.correlationId}_1`,
      status: 'CLOSED',
      ...event,
      properties: Object.entries(properties).map(([key, value]) => ({ key, value })),
    }))
  return { status: 200, body: { totalCount: events.length, pageSize: 100, events } }
}
