import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

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
  slas: Record<string, Sla[]> & { statistics: Sla[]; 'per-test': Sla[] }
}

type State = ReturnType<typeof initial>

const TOKEN = 'an-account-token-of-neoload'
/** Query parameters of a start. */
const PARAMETERS = [
  'testResultName',
  'testResultDescription',
  'asCode',
  'reservationId',
  'reservationDuration',
  'reservationWebVUs',
  'reservationSAPVUs',
  'publishTestResult',
]

const initial = () => ({
  tests: ['5ed5350f-9f2f-4e2a-9acb-cdbcee874256'],
  results: [] as Result[],
  /** The number of requests that do not find a new result yet. */
  comesLate: 0,
  mayWrite: true,
  /** A stopped run continues for a while. */
  stubborn: false,
})

/**
 * A fake of NeoLoad Web's API v3 with one workspace.
 *
 * @see https://neoload-api.saas.neotys.com/explore/
 */
const startNeoload = definePlatform({
  base: '/v3/workspaces',
  state: initial,
  refuses: requireHeader('accounttoken', TOKEN, refused(401, 101, 'Unauthorized, please provide an API token.')),
  routes: {
    'GET ': () => [{ id: '5e3acde2e860a132744ca916', name: 'Default' }],
    'POST /5e3acde2e860a132744ca916/tests/{id}/start': ({ state, params, query, text }) =>
      text === '' ? start(state, params.id, query) : refused(400, 100, 'The request takes no body.'),
    'GET /5e3acde2e860a132744ca916/test-results': ({ state, query }) => {
      const newestFirst = state.results.toReversed().slice(0, Number(query.get('limit') ?? 50))
      return newestFirst.map(toResponse)
    },
    'GET /5e3acde2e860a132744ca916/test-results/{id}': ({ state, params }) => {
      const result = resultOf(state, params.id)
      return result && toResponse(result)
    },
    'GET /5e3acde2e860a132744ca916/test-results/{id}/statistics': ({ state, params }) =>
      resultOf(state, params.id)?.statistics,
    'GET /5e3acde2e860a132744ca916/test-results/{id}/slas/{kind}': ({ state, params, query }) => {
      const status = query.get('status')
      const slas = resultOf(state, params.id)?.slas[params.kind]
      return slas?.filter((sla) => status === null || sla.status === status)
    },
    'POST /5e3acde2e860a132744ca916/test-results/{id}/stop': ({ state, params, body }) => {
      const result = resultOf(state, params.id)
      return result && stop(state, result, body.stopPolicy)
    },
  },
  notFound: refused(404, 104, 'Resource not found. Please verify the parameters and try again.'),
  members: (state) => ({
    token: TOKEN,
    /** Completes the last run ten minutes after its start. */
    finish(terminationReason: string, qualityStatus = 'PASSED', fields: Partial<Result> = {}) {
      const result = newestOf(state.results)
      const times = { endDate: result.startDate + 600_000, duration: 600_000 }
      Object.assign(result, { status: 'TERMINATED', terminationReason, qualityStatus, ...times, ...fields })
    },
  }),
})

function refused(status: number, code: number, message: string): Reply {
  return { status, body: { code, message } }
}

function resultOf(state: State, id: string): Result | undefined {
  const result = state.results.find((result) => result.id === id)
  return result && state.comesLate-- > 0 ? undefined : result
}

function toResponse({ statistics: _, slas: __, query: ___, ...fields }: Result): object {
  return fields
}

function start({ mayWrite, tests, results }: State, testId: string, query: URLSearchParams): object | Reply {
  if (!mayWrite) return refused(403, 103, 'Unauthorized operation for the given API token')
  if (!tests.includes(testId)) return refused(400, 100, `Test ${testId} does not exist.`)
  const unknown = [...query.keys()].find((parameter) => !PARAMETERS.includes(parameter))
  if (unknown) return refused(400, 100, `Unknown parameter ${unknown}.`)
  const name = query.get('testResultName')
  if (!name) return refused(400, 100, 'testResultName is mandatory.')
  const id = `c6ff329e-ec09-4be3-b3c5-${String(results.length).padStart(12, '0')}`
  results.push({
    id,
    name,
    testId,
    query: Object.fromEntries(query),
    status: 'INIT',
    qualityStatus: 'UNKNOWN',
    startDate: 1_700_000_000_000,
    statistics: undefined,
    slas: { statistics: [], 'per-test': [] },
  })
  return { resultId: id }
}

function stop({ mayWrite, stubborn }: State, result: Result, policy: string): object | Reply {
  if (!mayWrite) return refused(403, 103, 'Unauthorized operation for the given API token')
  if (policy !== 'GRACEFUL' && policy !== 'TERMINATE') return refused(400, 100, 'Unknown stopPolicy.')
  if (result.status === 'TERMINATED') return refused(400, 100, 'The test is not running.')
  if (!stubborn) Object.assign(result, { status: 'TERMINATED', terminationReason: 'MANUAL' })
  return { testResultId: result.id }
}

export const jobRow = {
  starts: /^POST .*\/start/,
  start: startWith(startNeoload, ({ url: baseUrl, token, state, finish }) => {
    const [target, project] = [state.tests[0], '5e3acde2e860a132744ca916']
    const enter = (name: string) => {
      const [status, reason = '', quality] = name.split('/')
      if (status === 'TERMINATED') finish(reason, quality)
      else Object.assign(state.results.at(-1) ?? {}, { status })
    }
    return {
      connection: { baseUrl, token },
      input: { target, project },
      ...runsIn(() => state.results.map((run) => [`${project}#${run.id}`, run.terminationReason === 'MANUAL'])),
      ...stages(enter, 'RUNNING', 'TERMINATED/POLICY/PASSED'),
    }
  }),
} satisfies JobRow
