import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Sla {
  kpi: string
  status: string
  value: number
  warningThreshold?: object
  failedThreshold?: object
  element?: object
}

interface Result {
  id: string
  name: string
  description?: string
  testId: string
  query: Record<string, string>
  status: string
  terminationReason?: string
  qualityStatus: string
  startDate: number
  endDate?: number
  duration?: number
  statistics: object | undefined
  slas: { statistics: Sla[]; 'per-test': Sla[] }
}

/** The state of the fake. Tests read and change it. */
interface NeoloadState {
  tests: string[]
  results: Result[]
  /** For how many requests a new result is not there yet. */
  comesLate: number
  mayWrite: boolean
  /** A run continues for a while after it is stopped. */
  stubborn: boolean
}

export interface NeoloadServer extends Served {
  token: string
  state: NeoloadState
  /** Completes the last run ten minutes after its start. */
  finish(terminationReason: string, qualityStatus?: string, more?: Partial<Result>): void
}

const workspace = '5e3acde2e860a132744ca916'
/** Query parameters of a start. */
const startParameters = [
  ...['testResultName', 'testResultDescription', 'asCode', 'reservationId', 'reservationDuration'],
  ...['reservationWebVUs', 'reservationSAPVUs', 'publishTestResult'],
]

/**
 * NeoLoad Web's API v3 with one workspace.
 *
 * @see https://neoload-api.saas.neotys.com/explore/
 */
export async function startNeoload(): Promise<NeoloadServer> {
  const token = 'an-account-token-of-neoload'
  const state: NeoloadState = {
    tests: ['5ed5350f-9f2f-4e2a-9acb-cdbcee874256'],
    results: [],
    comesLate: 0,
    mayWrite: true,
    stubborn: false,
  }
  const served = await serve((call) => {
    if (call.headers['accounttoken'] !== token) return refused(401, 101, 'Unauthorized, please provide an API token.')
    return answer(state, call)
  })
  return {
    ...served,
    token,
    state,
    finish(terminationReason, qualityStatus = 'PASSED', more = {}) {
      const result = newestOf(state.results)
      Object.assign(result, { status: 'TERMINATED', terminationReason, qualityStatus })
      Object.assign(result, { endDate: result.startDate + 600_000, duration: 600_000 }, more)
    },
  }
}

function refused(status: number, code: number, message: string): Reply {
  return { status, body: { code, message } }
}

const notFound = refused(404, 104, 'Resource not found. Please verify the parameters and try again.')
const forbidden = refused(403, 103, 'Unauthorized operation for the given API token')

function answer(state: NeoloadState, call: Call): Reply {
  const { method, path, query, body } = call
  if (path === '/v3/workspaces') return ok([{ id: workspace, name: 'Default' }])
  if (!path.startsWith(`/v3/workspaces/${workspace}/`)) return notFound
  const [kind = '', id = '', ...what] = path.slice(`/v3/workspaces/${workspace}/`.length).split('/')
  if (kind === 'tests' && what[0] === 'start') return start(state, id, call)
  if (kind === 'test-results' && id === '') return list(state, query)
  const result = state.results.find((one) => one.id === id)
  if (kind !== 'test-results' || !result) return notFound
  if (state.comesLate > 0) {
    state.comesLate--
    return notFound
  }
  if (method === 'POST') return stop(state, result, body)
  const { statistics, slas, query: _query, ...shown } = result
  if (what[0] === undefined) return ok(shown)
  if (what[0] === 'statistics') return statistics ? ok(statistics) : notFound
  const wanted = slas[what[1] as keyof typeof slas]
  if (!wanted) return notFound
  const status = query.get('status')
  return ok(wanted.filter((sla) => status === null || sla.status === status))
}

function start(state: NeoloadState, testId: string, { query, body }: Call): Reply {
  if (!state.mayWrite) return forbidden
  if (body !== undefined) return refused(400, 100, 'The request takes no body.')
  if (!state.tests.includes(testId)) return refused(400, 100, `Test ${testId} does not exist.`)
  const given = Object.fromEntries(query)
  const strange = Object.keys(given).find((name) => !startParameters.includes(name))
  if (strange) return refused(400, 100, `Unknown parameter ${strange}.`)
  const name = query.get('testResultName')
  if (!name) return refused(400, 100, 'testResultName is mandatory.')
  const id = `c6ff329e-ec09-4be3-b3c5-${String(state.results.length).padStart(12, '0')}`
  state.results.push({
    ...{ id, name, testId, query: given, status: 'INIT', qualityStatus: 'UNKNOWN', startDate: 1_700_000_000_000 },
    ...{ statistics: undefined, slas: { statistics: [], 'per-test': [] } },
  })
  return ok({ resultId: id })
}

function list(state: NeoloadState, query: URLSearchParams): Reply {
  const late = state.comesLate > 0
  if (late) state.comesLate--
  const newestFirst = state.results.toReversed().slice(late ? 1 : 0, Number(query.get('limit') ?? 50))
  return ok(newestFirst.map(({ statistics: _, slas: __, query: ___, ...shown }) => shown))
}

function stop(state: NeoloadState, result: Result, body: unknown): Reply {
  if (!state.mayWrite) return forbidden
  const { stopPolicy } = (body ?? {}) as { stopPolicy?: string }
  if (stopPolicy !== 'GRACEFUL' && stopPolicy !== 'TERMINATE') return refused(400, 100, 'Unknown stopPolicy.')
  if (result.status === 'TERMINATED') return refused(400, 100, 'The test is not running.')
  if (!state.stubborn) Object.assign(result, { status: 'TERMINATED', terminationReason: 'MANUAL' })
  return ok({ testResultId: result.id })
}
