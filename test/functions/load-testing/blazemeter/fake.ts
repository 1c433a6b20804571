import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

interface Master {
  id: number
  test: string
  body: unknown
  status: string
  progress: number
  reportStatus: string | null
  ended: number | null
  failures: object[]
  errors: object[]
  summary: object | undefined
}

export type BlazemeterServer = Awaited<ReturnType<typeof startBlazemeter>>

type State = ReturnType<typeof initial>

const USERNAME = 'f817e22f1526b048799f75da'
const PASSWORD = 'the-secret-of-the-key'

const initial = () => ({
  /** `tests/1` or `multi-tests/1`. */
  tests: ['tests/9876543', 'multi-tests/555'],
  masters: [] as Master[],
  mayWrite: true,
  /** Refusals have the status 200. */
  saysNoWith200: false,
  /** A run continues for a while after it is stopped. */
  stubborn: false,
})

/**
 * BlazeMeter's API v4, with the envelope and the errors that its own clients read.
 *
 * @see https://github.com/Blazemeter/blazemeter-api-client
 */
const startBlazemeter = definePlatform({
  base: '/api/v4',
  state: initial,
  refuses: (call, state) =>
    requireHeader(
      'authorization',
      basic(USERNAME, PASSWORD),
      refusal(state, 401, 'Unauthorized: Invalid API key'),
    )(call),
  envelope: granted,
  routes: {
    'GET /user': () => ({ id: 123456, email: 'robot@example.com' }),
    'POST /tests/{id}/start': ({ state, params, body }) => start(state, `tests/${params.id}`, body),
    'POST /multi-tests/{id}/start': ({ state, params, body }) => start(state, `multi-tests/${params.id}`, body),
    'GET /masters/{id}': ({ state, params }) => {
      const master = find(state, params.id)
      if (!master) return undefined
      const { id, reportStatus, ended } = master
      return { id, name: 'Checkout load', reportStatus, created: 1_700_000_000, ended }
    },
    'GET /masters/{id}/status': ({ state, params }) => {
      const master = find(state, params.id)
      return master && { status: master.status, progress: master.progress, statuses: { pending: 0, ended: 0 } }
    },
    'GET /masters/{id}/ci-status': ({ state, params }) => {
      const master = find(state, params.id)
      return master && { masterId: master.id, failures: master.failures, errors: master.errors }
    },
    'GET /masters/{id}/reports/default/summary': ({ state, params }) => {
      const summary = find(state, params.id)?.summary
      return summary && { summary: [summary] }
    },
    'POST /masters/{id}/stop': ({ state, params }) => {
      const master = find(state, params.id)
      if (!master) return undefined
      if (!state.mayWrite) return refusal(state, 403, 'Forbidden: You do not have permission to stop this test')
      if (!state.stubborn) Object.assign(master, endedAs('unset'))
      return { status: 202, body: granted([{ session_id: 'r-ext-6553f1a2b3c4d', result: 'shutdown command sent\n' }]) }
    },
  },
  notFound: (_, state) => refusal(state, 404, 'Not Found: Report or master not found'),
  members: ({ masters }) => ({
    username: USERNAME,
    password: PASSWORD,
    /** Completes the newest run a minute after its start. */
    finish(reportStatus: string | null, fields: Partial<Master> = {}) {
      Object.assign(newestOf(masters), endedAs(reportStatus), fields)
    },
  }),
})

function granted(result: object): object {
  return { api_version: 4, error: null, result, request_id: '5f3b' }
}

function refusal({ saysNoWith200 }: State, code: number, message: string): Reply {
  return { status: saysNoWith200 ? 200 : code, body: { api_version: 4, error: { code, message }, result: null } }
}

function find({ masters }: State, id: string): Master | undefined {
  return masters.find((master) => String(master.id) === id)
}

function start(state: State, test: string, body: unknown): Reply {
  const { tests, masters, mayWrite } = state
  if (!mayWrite) return refusal(state, 403, 'Forbidden: You do not have permission to run this test')
  if (!tests.includes(test)) return refusal(state, 404, 'Not Found: Test not found')
  const id = 74512345 + masters.length
  masters.push({
    id,
    test,
    body,
    status: 'CREATED',
    progress: 0,
    reportStatus: null,
    ended: null,
    failures: [],
    errors: [],
    summary: undefined,
  })
  const testId = Number(test.split('/')[1])
  return { status: 202, body: granted({ id, name: 'Checkout load', projectId: 12345, testId }) }
}

function endedAs(reportStatus: string | null) {
  return { status: 'ENDED', progress: 140, reportStatus, ended: 1_700_000_600 }
}

export const jobRow = {
  // A run that was stopped has no verdict.
  stops: 'succeeded',
  starts: /^POST .*\/start$/,
  start: startWith(startBlazemeter, ({ url: baseUrl, username, password, state, finish }) => {
    const enter = (name: string) => {
      const [status, reportStatus = null] = name.split('/')
      if (status === 'ENDED') finish(reportStatus, reportStatus ? {} : { ended: null })
      else Object.assign(state.masters.at(-1) ?? {}, { status })
    }
    return {
      connection: { baseUrl, username, password },
      input: { target: '9876543' },
      ...runsIn(() => state.masters.map((run) => [run.id, run.status === 'ENDED'])),
      ...stages(enter, 'DATA_RECEIVED', 'ENDED/pass'),
    }
  }),
} satisfies JobRow
