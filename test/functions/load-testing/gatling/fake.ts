import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, startWith } from '../../../conformance/row.ts'

interface Assertion {
  message: string
  succeed: boolean
  actualValue?: number
}

interface Run {
  _id: string
  number: number
  test: string
  title: string | undefined
  properties: Record<string, string>
  status: string
  updated: string
  assertions: Assertion[]
  successful: boolean | undefined
}

export type GatlingServer = Awaited<ReturnType<typeof startGatling>>
type State = ReturnType<typeof initial>

const TOKEN = 'gatling-token-0123456789'
const MAY_NOT_START = refuse(403, 'forbidden', 'The role Start is required')

const initial = () => ({
  runs: [] as Run[],
  tests: ['kqCL3sMdpbcTDBUwQZKx7Q'],
  mayStart: true,
  /** A run continues for a while after it is stopped. */
  slow: false,
  /** The page of a run. The OpenAPI document does not say that it is a URL. */
  page: 'https://cloud.gatling.io/o/acme/runs/',
})

/**
 * A fake of the public API v2 of Gatling Enterprise. It follows the OpenAPI document.
 *
 * @see https://github.com/gatling/gatling-enterprise-api
 */
const startGatling = definePlatform({
  base: '/api/public/v2',
  state: initial,
  refuses: requireHeader('authorization', TOKEN, refuse(401, 'unauthorized', 'The API token is not valid')),
  routes: {
    'GET /runs': ({ state, query }) => list(state, query),
    'POST /tests/{test}/runs': ({ state, params, body }) => start(state, params.test, body),
    'GET /runs/{id}': ({ state, params }) => {
      const run = findRun(state, params.id)
      return run && { data: toResponse(run), relatedResources: {} }
    },
    'POST /runs/{id}/actions/stop': ({ state, params }) => {
      const run = findRun(state, params.id)
      return run && stop(state, run)
    },
  },
  notFound: refuse(404, 'not_found', 'The run was not found'),
  members: ({ runs }) => ({
    token: TOKEN,
    /** Puts the newest run to a status. A run with an outcome has ended. */
    enter(status: string, successful?: boolean, assertions: Assertion[] = []) {
      Object.assign(newestOf(runs), { status, successful, assertions })
    },
  }),
})

function refuse(status: number, code: string, message: string, reasons?: object[]): Reply {
  return { status, body: { code, message, reasons } }
}

function findRun({ runs }: State, id: string): Run | undefined {
  return runs.find(({ _id }) => _id === id)
}

function start(state: State, test: string, { title, extra, ...others }: Record<string, unknown>): Reply {
  if (!state.mayStart) return MAY_NOT_START
  if (!state.tests.includes(test)) return refuse(404, 'not_found', 'The test was not found')
  const unknown = Object.keys(others)
  if (unknown.length > 0) return refuse(400, 'bad_request', `Unknown fields: ${unknown.join(', ')}`)
  if (title !== undefined && (typeof title !== 'string' || title.trim() !== title || title === ''))
    return refuse(400, 'bad_request', 'The request is not valid', [{ code: 'title', message: 'title must be trimmed' }])
  if (state.runs.some(({ successful, status }) => successful === undefined && status !== 'Stopped'))
    return refuse(409, 'conflict', 'A run of this test is in progress')
  const { systemProperties: properties = {} } = (extra ?? {}) as { systemProperties?: Record<string, string> }
  const number = state.runs.length + 1
  const run: Run = {
    _id: `run-${number}-of-the-test`,
    number,
    test,
    title,
    properties,
    status: 'Deploying',
    updated: new Date().toISOString(),
    assertions: [],
    successful: undefined,
  }
  state.runs.push(run)
  const metadata = { urls: { run: `${state.page}${run._id}` } }
  return { status: 201, body: { data: toResponse(run), metadata, relatedResources: {} } }
}

function list(state: State, query: URLSearchParams): object {
  const since = Date.parse(query.get('updated-at_gt') ?? new Date(Date.now() - 86_400_000).toISOString())
  const tests = query.getAll('test-id')
  const data = state.runs
    .filter(({ test }) => tests.length === 0 || tests.includes(test))
    .filter(({ updated }) => Date.parse(updated) > since)
    .slice(0, Number(query.get('limit') ?? 1_000))
    .map(summaryOf)
  return { data, metadata: { query: {}, requestTime: new Date().toISOString() }, relatedResources: {} }
}

function stop({ mayStart, slow }: State, run: Run): Reply {
  if (!mayStart) return MAY_NOT_START
  if (run.successful !== undefined) return refuse(409, 'conflict', 'The run has ended')
  Object.assign(run, slow ? { status: 'StopRequested' } : { status: 'Stopped', successful: false })
  return { status: 202 }
}

function summaryOf({ _id, number, test, title, status, updated }: Run) {
  return {
    title,
    _type: 'run',
    _id,
    _status: status,
    _updatedAt: updated,
    _configuration: { testId: test, incrementalId: number },
  }
}

function toResponse(run: Run) {
  const { properties, status, assertions, successful } = run
  const { _configuration: configuration, ...summary } = summaryOf(run)
  const endedAt = successful === undefined ? null : '2026-11-24T10:05:30Z'
  return {
    ...summary,
    _creditsUsed: 1,
    _startedBy: { type: 'apiToken' },
    _result: { assertions },
    ...(successful === undefined ? {} : { _outcome: { successful } }),
    _runtime: {
      gatlingVersion: '3.15.0',
      timeline: {
        deploy: { startedAt: '2026-11-24T10:00:00Z', endedAt: '2026-11-24T10:01:00Z' },
        ...(status === 'Deploying' ? {} : { inject: { startedAt: '2026-11-24T10:01:00Z', endedAt } }),
      },
    },
    _configuration: {
      ...configuration,
      simulation: 'shop.Checkout',
      stopCriteria: [],
      systemProperties: properties,
      environmentVariables: {},
      meaningfulTimeWindow: { rampUpSeconds: 0, rampDownSeconds: 0 },
      source: { type: 'build_from_sources' },
      distribution: { loadGenerators: [] },
    },
  }
}

export const jobRow = {
  starts: /^POST .*\/tests\/.*\/runs$/,
  start: startWith(startGatling, ({ url: baseUrl, token, state, enter }) => ({
    connection: { baseUrl, token },
    input: { target: state.tests[0] },
    ...runsIn(() => state.runs.map((run) => [run._id, run.status === 'Stopped'])),
    letStart: () => enter('Injecting'),
    enter,
    end: () => enter('Successful', true),
  })),
} satisfies JobRow
