import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

interface Task {
  run_id: number
  task_key: string
  attempt_number: number
  run_page_url: string
  state?: object
  status?: object
}

interface Run {
  run_id: number
  job_id: number
  number_in_job: number
  run_page_url: string
  run_type: string
  start_time: number
  end_time: number
  run_duration: number
  state: Record<string, unknown>
  status?: Record<string, unknown>
  tasks: Task[]
  job_parameters: { name: string; default: string; value: string }[]
}

/** What can be looked at and changed from a test. */
interface DatabricksState {
  /** Each with the names of its parameters. */
  jobs: { job_id: number; name: string; parameters: string[] }[]
  runs: Run[]
  /** Run ids by the token that they were started with. */
  tokens: Map<string, number>
  /** What tasks answer, by the id of their run. */
  outputs: Record<number, object>
  /** The OAuth tokens that have been given and are still taken. */
  accessTokens: string[]
  given: number
  mayRun: boolean
  maySeeOutput: boolean
}

export interface DatabricksServer extends Served {
  token: string
  clientId: string
  clientSecret: string
  state: DatabricksState
  /** The newest run is seen like this. */
  show(more: Partial<Run>): void
  /** A task of the newest run; its id is answered. */
  task(key: string, how?: { state?: object; status?: object; attempt?: number; output?: object }): number
}

/**
 * The Jobs API 2.2 of a workspace, and its OAuth server for service principals.
 *
 * @see https://docs.databricks.com/api/workspace/jobs
 * @see https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
 */
export async function startDatabricks(): Promise<DatabricksServer> {
  const token = 'dapi0123456789abcdef'
  const clientId = '12a34b56-789c-0d12-e3fa-b456789c0123'
  const clientSecret = 'dose1234:567890/abcdef'
  const state: DatabricksState = {
    jobs: [{ job_id: 11223344, name: 'tune checkout', parameters: ['service', 'trials'] }],
    runs: [],
    tokens: new Map(),
    outputs: {},
    accessTokens: [],
    given: 0,
    mayRun: true,
    maySeeOutput: true,
  }
  const oauth = ({ method, headers, body }: Call): Reply => {
    const form = new URLSearchParams(String(body))
    const [id, secret] = basicOf(String(headers['authorization']))
    if (method !== 'POST' || form.get('grant_type') !== 'client_credentials' || form.get('scope') !== 'all-apis')
      return { status: 400, body: { error: 'invalid_request', error_description: 'The request is wrong' } }
    if (id !== clientId || secret !== clientSecret)
      return { status: 401, body: { error: 'invalid_client', error_description: 'Client authentication failed' } }
    const given = `a-token-of-databricks-${++state.given}`
    state.accessTokens.push(given)
    return { status: 200, body: { access_token: given, token_type: 'Bearer', expires_in: 3600, scope: 'all-apis' } }
  }
  const served = await serve((call) => {
    if (call.path === '/oidc/v1/token') return oauth(call)
    const bearer = /^Bearer (.+)$/.exec(String(call.headers['authorization']))?.[1] ?? ''
    if (bearer !== token && !state.accessTokens.includes(bearer))
      return { status: 403, body: { error_code: 403, message: 'Invalid access token.' } }
    return answer(state, call)
  })
  const newest = () => {
    const found = state.runs.at(-1)
    if (!found) throw new Error('There is no run')
    return found
  }
  return {
    ...served,
    token,
    clientId,
    clientSecret,
    state,
    show: (more) => void Object.assign(newest(), more),
    task(task_key, { output, attempt = 0, ...seen } = {}) {
      const run_id = 900_000 + newest().tasks.length
      const run_page_url = `https://shop.cloud.databricks.com/?o=1#job/11223344/run/${run_id}`
      newest().tasks.push({ run_id, task_key, attempt_number: attempt, run_page_url, ...seen })
      if (output) state.outputs[run_id] = output
      return run_id
    },
  }
}

function basicOf(authorization: string): string[] {
  const [, encoded = ''] = /^Basic (.+)$/.exec(authorization) ?? []
  return atob(encoded).split(':').map(decodeURIComponent)
}

function refused(status: number, error_code: string, message: string): Reply {
  return { status, body: { error_code, message } }
}

function answer(state: DatabricksState, call: Call): Reply {
  const { method, path, query, body } = call
  const runId = Number(query.get('run_id') ?? (body as { run_id?: number } | undefined)?.run_id)
  switch (`${method} ${path}`) {
    case 'GET /api/2.2/jobs/list': {
      const name = query.get('name')?.toLowerCase()
      const jobs = state.jobs.filter((job) => name === undefined || job.name.toLowerCase() === name)
      const shown = jobs.slice(0, Number(query.get('limit') ?? 20))
      return {
        status: 200,
        body: shown.length > 0 ? { jobs: shown.map(({ job_id, name }) => ({ job_id, settings: { name } })) } : {},
      }
    }
    case 'POST /api/2.2/jobs/run-now':
      return runNow(state, body as RunNow)
    case 'GET /api/2.2/jobs/runs/get': {
      const run = state.runs.find(({ run_id }) => run_id === runId)
      return run ? { status: 200, body: run } : noRun(runId)
    }
    case 'GET /api/2.2/jobs/runs/get-output': {
      if (!state.maySeeOutput)
        return refused(403, 'PERMISSION_DENIED', 'User mia does not have View permissions on the run.')
      if (state.runs.some(({ run_id }) => run_id === runId))
        return refused(
          400,
          'INVALID_PARAMETER_VALUE',
          'Retrieving the output of runs with multiple tasks is not supported. Please retrieve the output of each individual task run instead.',
        )
      const task = state.runs.flatMap(({ tasks }) => tasks).find(({ run_id }) => run_id === runId)
      return task ? { status: 200, body: { metadata: task, ...state.outputs[runId] } } : noRun(runId)
    }
    case 'POST /api/2.2/jobs/runs/cancel': {
      const run = state.runs.find(({ run_id }) => run_id === runId)
      if (!run) return noRun(runId)
      if (!state.mayRun)
        return refused(403, 'PERMISSION_DENIED', 'User mia does not have Manage Run permissions on the job.')
      if (run.end_time === 0) {
        run.state = {
          life_cycle_state: 'TERMINATING',
          state_message: 'Run cancelled',
          user_cancelled_or_timedout: true,
        }
        const termination_details = { code: 'USER_CANCELED', type: 'SUCCESS', message: 'Run cancelled by mia.' }
        run.status = { state: 'TERMINATING', termination_details }
      }
      return { status: 200, body: {} }
    }
    default:
      return refused(404, 'ENDPOINT_NOT_FOUND', `No API found for '${method} ${path}'`)
  }
}

function noRun(runId: number): Reply {
  return refused(400, 'INVALID_PARAMETER_VALUE', `Run ${runId} does not exist.`)
}

interface RunNow {
  job_id?: unknown
  job_parameters?: Record<string, unknown>
  idempotency_token?: string
}

function runNow(state: DatabricksState, { job_id, job_parameters = {}, idempotency_token: token }: RunNow): Reply {
  if (typeof job_id !== 'number') return refused(400, 'MALFORMED_REQUEST', 'Could not parse request object: job_id')
  const job = state.jobs.find((one) => one.job_id === job_id)
  if (!job) return refused(400, 'INVALID_PARAMETER_VALUE', `Job ${job_id} does not exist.`)
  if (!state.mayRun)
    return refused(403, 'PERMISSION_DENIED', 'User mia does not have Manage Run permissions on the job.')
  if (Object.values(job_parameters).some((value) => typeof value !== 'string'))
    return refused(400, 'MALFORMED_REQUEST', 'Could not parse request object: job_parameters')
  if (token !== undefined && token.length > 64)
    return refused(400, 'INVALID_PARAMETER_VALUE', 'The idempotency token must have at most 64 characters.')
  const unknown = Object.keys(job_parameters).find((name) => !job.parameters.includes(name))
  if (unknown) return refused(400, 'INVALID_PARAMETER_VALUE', `Job parameter ${unknown} is not defined.`)
  const earlier = token === undefined ? undefined : state.tokens.get(token)
  if (earlier !== undefined) return { status: 200, body: { run_id: earlier, number_in_job: earlier } }
  const run_id = 455_644_833 + state.runs.length
  if (token !== undefined) state.tokens.set(token, run_id)
  state.runs.push({
    ...{ run_id, job_id, number_in_job: run_id, run_type: 'JOB_RUN' },
    run_page_url: `https://shop.cloud.databricks.com/?o=1#job/${job_id}/run/${run_id}`,
    ...{ start_time: 1_764_000_000_000, end_time: 0, run_duration: 0 },
    state: { life_cycle_state: 'PENDING', state_message: '', user_cancelled_or_timedout: false },
    status: { state: 'PENDING' },
    tasks: [],
    job_parameters: job.parameters.map((name) => ({ name, default: '', value: String(job_parameters[name] ?? '') })),
  })
  return { status: 200, body: { run_id, number_in_job: run_id } }
}
