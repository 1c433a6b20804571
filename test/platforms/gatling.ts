import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { type JobRow, play, runsIn } from '../conformance/rows/row.ts'

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

/** The state of the fake. Tests read and change it. */
interface GatlingState {
  runs: Run[]
  tests: string[]
  mayStart: boolean
  /** How many look-ups show nothing of a new run. */
  listsLate: number
  /** A run continues for a while after it is stopped. */
  slow: boolean
  /** The page of a run. The OpenAPI document does not say that it is a URL. */
  page: string
}

export interface GatlingServer extends Served {
  token: string
  state: GatlingState
  /** Completes the newest run, or changes its state if its result is undefined. */
  enter(status: string, successful?: boolean, assertions?: Assertion[]): void
}

const under = '/api/public'

/**
 * The public API v2 of Gatling Enterprise, as its document says.
 *
 * @see https://github.com/gatling/gatling-enterprise-api
 */
async function startGatling(): Promise<GatlingServer> {
  const token = 'gatling-token-0123456789'
  const state: GatlingState = {
    runs: [],
    tests: ['kqCL3sMdpbcTDBUwQZKx7Q'],
    mayStart: true,
    listsLate: 0,
    slow: false,
    page: 'https://cloud.gatling.io/o/acme/runs/',
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== token) return refused(401, 'unauthorized', 'The API token is not valid')
    return createGatling(state).answer(call)
  })
  return {
    ...served,
    token,
    state,
    enter(status, successful, assertions = []) {
      const run = newestOf(state.runs)
      Object.assign(run, { status, successful, assertions })
    },
  }
}

function refused(status: number, code: string, message: string, reasons: object[] = []): Reply {
  return { status, body: { code, message, ...(reasons.length > 0 ? { reasons } : {}) } }
}

function createGatling(state: GatlingState) {
  function answer({ method, path, query, body }: Call): Reply {
    const at = `${method} ${path.startsWith(under) ? path.slice(under.length) : 'elsewhere'}`
    if (at === 'GET /v2/runs') return list(query)
    const [, test] = /^POST \/v2\/tests\/([^/]+)\/runs$/.exec(at) ?? []
    if (test) return start(test, (body ?? {}) as Record<string, unknown>)
    const [, id, stop] = /^(?:GET|POST) \/v2\/runs\/([^/]+)(\/actions\/stop)?$/.exec(at) ?? []
    const run = state.runs.find(({ _id }) => _id === id)
    if (!run) return refused(404, 'not_found', 'The run was not found')
    if (!stop) return ok({ data: toResponse(run), relatedResources: {} })
    return stopRun(run)
  }

  function start(test: string, { title, extra, ...others }: Record<string, unknown>): Reply {
    if (!state.mayStart) return refused(403, 'forbidden', 'The role Start is required')
    if (!state.tests.includes(test)) return refused(404, 'not_found', 'The test was not found')
    const unknown = Object.keys(others)
    if (unknown.length > 0) return refused(400, 'bad_request', `Unknown fields: ${unknown.join(', ')}`)
    if (title !== undefined && (typeof title !== 'string' || title.trim() !== title || title === ''))
      return refused(400, 'bad_request', 'The request is not valid', [
        { code: 'title', message: 'title must be trimmed' },
      ])
    if (state.runs.some(({ successful, status }) => successful === undefined && status !== 'Stopped'))
      return refused(409, 'conflict', 'A run of this test is in progress')
    const { systemProperties: properties = {} } = (extra ?? {}) as { systemProperties?: Record<string, string> }
    const number = state.runs.length + 1
    const run: Run = {
      _id: `run-${number}-of-the-test`,
      number,
      test,
      title: title as string | undefined,
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

  function list(query: URLSearchParams): Reply {
    const since = Date.parse(query.get('updated-at_gt') ?? new Date(Date.now() - 86_400_000).toISOString())
    const tests = query.getAll('test-id')
    const late = state.listsLate > 0
    if (late) state.listsLate--
    const found = state.runs.filter(
      ({ test, updated }) => !late && (tests.length === 0 || tests.includes(test)) && Date.parse(updated) > since,
    )
    const data = found
      .slice(0, Number(query.get('limit') ?? 1_000))
      .map(({ _id, title, status, updated, test, number }) => ({
        ...(title ? { title } : {}),
        _type: 'run',
        _id,
        _status: status,
        _updatedAt: updated,
        _configuration: { testId: test, incrementalId: number },
      }))
    return ok({ data, metadata: { query: {}, requestTime: new Date().toISOString() }, relatedResources: {} })
  }

  function stopRun(run: Run): Reply {
    if (!state.mayStart) return refused(403, 'forbidden', 'The role Start is required')
    if (run.successful !== undefined) return refused(409, 'conflict', 'The run has ended')
    Object.assign(run, state.slow ? { status: 'StopRequested' } : { status: 'Stopped', successful: false })
    return { status: 202 }
  }

  function toResponse({ _id, number, test, title, properties, status, updated, assertions, successful }: Run) {
    const endedAt = successful === undefined ? null : '2026-11-24T10:05:30Z'
    return {
      ...(title ? { title } : {}),
      _type: 'run',
      _id,
      _status: status,
      _updatedAt: updated,
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
        testId: test,
        incrementalId: number,
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

  return { answer }
}

export const gatlingJob = {
  known: 'look-up',
  starts: /^POST .*\/tests\/.*\/runs$/,
  start: play(startGatling, ({ url: baseUrl, token, state, enter }) => ({
    connection: { baseUrl, token },
    input: { target: state.tests[0] },
    ...runsIn(() => state.runs.map((run) => [run._id, run.status === 'Stopped'])),
    hasStarted: () => enter('Injecting'),
    enter,
    end: () => enter('Successful', true),
  })),
} satisfies JobRow
