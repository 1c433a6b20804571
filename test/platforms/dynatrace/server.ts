import {
  dynatraceRoutes,
  type EventReport,
  type IngestedEvent,
} from '../../../infra/sandbox/platforms/dynatrace/routes.ts'
import { type Served, servePlatform } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { json } from '../../../infra/sandbox/platforms/sandbox/http.ts'
import { play, type WriteRow } from '../../conformance/rows/row.ts'

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

interface State {
  slos: Slo[]
  events: (IngestedEvent & Pick<EventReport, 'correlationId' | 'entity' | 'properties'>)[]
  /** The scopes of the token. */
  scopes: string[]
  /** How many entities match any selector. */
  matches: number
  /** The status of each event report, in order. Defaults to OK. */
  statuses: string[]
  /** The number of lists that do not contain the events yet. */
  listsLate: number
}

export interface DynatraceServer extends Served {
  token: string
  state: State
  /** Changes the first SLO. */
  show(changes: Partial<Slo>): void
}

/** Starts an environment whose SLOs and ingest results the test sets. */
export async function startDynatrace(): Promise<DynatraceServer> {
  const token = 'dt0c01.ABCDEFGH.0123456789ABCDEF'
  const state: State = {
    slos: [
      {
        id: '7d07efde-b714-3e6e-ad95-08490e2540c4',
        name: 'Checkout availability',
        target: 99.5,
        warning: 99.9,
        evaluatedPercentage: 99.95,
        status: 'SUCCESS',
        error: 'NONE',
        relatedOpenProblems: 0,
      },
    ],
    events: [],
    scopes: ['slo.read', 'events.ingest', 'events.read'],
    matches: 1,
    statuses: [],
    listsLate: 0,
  }
  const routes = dynatraceRoutes<Slo>({
    token,
    hasScope: (scope) => state.scopes.includes(scope),
    slos: () => state.slos,
    response: sloResponse,
    entities: () => Array.from({ length: state.matches }, (_, index) => `service-${index}`),
    events: () =>
      state.events.map(({ startTime = Date.now(), endTime = startTime, ...event }) => ({
        ...event,
        at: new Date(startTime).toISOString(),
        startTime,
        endTime,
      })),
    ingest(event, entities) {
      const { startTime = Date.now(), endTime = Number.POSITIVE_INFINITY } = event
      const isInvalid = startTime < Date.now() - 30 * 86_400_000 || endTime <= startTime
      return Array.from({ length: state.matches }, (_, index) => {
        const correlationId = `c7c5bfb8c0d1b6f${index}`
        const status = isInvalid ? 'INVALID_TIMESTAMPS' : (state.statuses[index] ?? 'OK')
        if (status === 'OK')
          state.events.push({ properties: {}, ...event, correlationId, entity: entities[index] ?? null })
        return { correlationId, status }
      })
    },
  })
  const served = await servePlatform({
    ...routes,
    answer(call) {
      const isLate = call.method === 'GET' && call.path === '/api/v2/events' && state.listsLate-- > 0
      return isLate ? json(200, { totalCount: 0, pageSize: 100, events: [] }) : routes.answer(call)
    },
  })
  return {
    ...served,
    token,
    state,
    show: (changes) => void Object.assign(state.slos[0] ?? {}, changes),
  }
}

/** Without a timeframe in the request, returns the value of the SLO's own timeframe. */
function sloResponse({ warning, ...slo }: Slo, evaluate: boolean, query: URLSearchParams) {
  const hasTimeframe = query.get('timeFrame') === 'GTF'
  return {
    ...slo,
    warning,
    ...(hasTimeframe ? {} : { evaluatedPercentage: 12.5, status: 'FAILURE' }),
    ...(evaluate ? {} : { evaluatedPercentage: -1, status: undefined }),
    enabled: true,
    errorBudget: slo.evaluatedPercentage - slo.target,
    timeframe: '-1w',
    evaluationType: 'AGGREGATE',
    filter: 'type("SERVICE")',
    relatedTotalProblems: 1,
    errorBudgetBurnRate: { burnRateVisualizationEnabled: true, burnRateType: 'SLOW', burnRateValue: 0.5 },
  }
}

export const dynatraceEvent = {
  action: 'push-report',
  writes: /^POST .*\/ingest$/,
  start: play(startDynatrace, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token } })),
} satisfies WriteRow
