import { databricksRoutes, type Job } from '../../../../infra/sandbox/platforms/databricks/routes.ts'
import { type FakeCall, type FakeReply, json } from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { newestOf, type Served } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, stages, startWith } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

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

interface ScriptedState {
  jobs: Job[]
  runs: Run[]
  /** Run ids by idempotency token. */
  tokens: Map<string, number>
  /** Outputs of tasks by run id. */
  outputs: Record<number, object>
  /** The valid OAuth tokens. */
  accessTokens: string[]
  /** Number of issued OAuth tokens. */
  issued: number
  may: { run: boolean; seeOutput: boolean }
}

interface DatabricksServer extends Served {
  token: string
  clientId: string
  clientSecret: string
  state: ScriptedState
  /** Changes the newest run. */
  show(changes: Partial<Run>): void
  /** Adds a task to the newest run. Returns its run id. */
  task(key: string, fields?: { state?: object; status?: object; attempt?: number; output?: object }): number
}

const CLIENT_ID = '12a34b56-789c-0d12-e3fa-b456789c0123'
const CLIENT_SECRET = 'dose1234:567890/abcdef'

/**
 * Starts a workspace whose runs change only as the test says, with the OAuth server for service principals.
 *
 * @see https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
 */
async function startDatabricks(): Promise<DatabricksServer> {
  const token = 'dapi0123456789abcdef'
  const state: ScriptedState = {
    jobs: [{ job_id: 11223344, name: 'tune checkout', parameters: { service: '', trials: '' } }],
    runs: [],
    tokens: new Map(),
    outputs: {},
    accessTokens: [],
    issued: 0,
    may: { run: true, seeOutput: true },
  }
  const runOf = (id: number) => state.runs.find(({ run_id }) => run_id === id)
  const routes = databricksRoutes({
    jobs: state.jobs,
    acceptsToken: (sent) => sent === token || state.accessTokens.includes(sent),
    may: state.may,
    start: (job, parameters, idempotencyToken) => startRun(state, job, parameters, idempotencyToken),
    run: runOf,
    output(id) {
      const task = state.runs.flatMap(({ tasks }) => tasks).find(({ run_id }) => run_id === id)
      return task && { metadata: task, ...state.outputs[id] }
    },
    cancel(id) {
      const run = runOf(id)
      if (!run || run.end_time > 0) return
      const message = 'Run cancelled by mia.'
      run.state = { life_cycle_state: 'TERMINATING', state_message: message, user_cancelled_or_timedout: true }
      run.status = { state: 'TERMINATING', termination_details: { code: 'USER_CANCELED', type: 'SUCCESS', message } }
    },
  })
  const served = await servePlatform({
    ...routes,
    answer: (call) => (call.path === '/oidc/v1/token' ? issueToken(state, call) : routes.answer(call)),
  })
  const newest = () => newestOf(state.runs)
  return {
    ...served,
    token,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    state,
    show: (changes) => void Object.assign(newest(), changes),
    task(task_key, { output, attempt = 0, ...fields } = {}) {
      const run_id = 900_000 + newest().tasks.length
      const run_page_url = `https://shop.cloud.databricks.com/?o=1#job/11223344/run/${run_id}`
      newest().tasks.push({ run_id, task_key, attempt_number: attempt, run_page_url, ...fields })
      if (output) state.outputs[run_id] = output
      return run_id
    },
  }
}

/** Starts a run once for each idempotency token. Returns its id. */
function startRun(
  { runs, tokens }: ScriptedState,
  { job_id }: Job,
  parameters: Record<string, string>,
  idempotencyToken = '',
): number {
  const run_id = tokens.get(idempotencyToken) ?? 455_644_833 + runs.length
  if (runs.some((run) => run.run_id === run_id)) return run_id
  if (idempotencyToken) tokens.set(idempotencyToken, run_id)
  runs.push({
    run_id,
    job_id,
    number_in_job: run_id,
    run_type: 'JOB_RUN',
    run_page_url: `https://shop.cloud.databricks.com/?o=1#job/${job_id}/run/${run_id}`,
    start_time: 1_764_000_000_000,
    end_time: 0,
    run_duration: 0,
    state: { life_cycle_state: 'PENDING', state_message: '', user_cancelled_or_timedout: false },
    status: { state: 'PENDING' },
    tasks: [],
    job_parameters: Object.entries(parameters).map(([name, value]) => ({ name, default: '', value })),
  })
  return run_id
}

/** Issues a token to the service principal. */
function issueToken(state: ScriptedState, { method, headers, body }: FakeCall): FakeReply {
  const form = new URLSearchParams(body)
  if (method !== 'POST' || form.get('grant_type') !== 'client_credentials' || form.get('scope') !== 'all-apis')
    return json(400, { error: 'invalid_request', error_description: 'The request is wrong' })
  const [id, secret] = basicOf(headers.authorization ?? '')
  if (id !== CLIENT_ID || secret !== CLIENT_SECRET)
    return json(401, { error: 'invalid_client', error_description: 'Client authentication failed' })
  const issued = `a-token-of-databricks-${++state.issued}`
  state.accessTokens.push(issued)
  return json(200, { access_token: issued, token_type: 'Bearer', expires_in: 3600, scope: 'all-apis' })
}

function basicOf(authorization: string): string[] {
  const [, encoded = ''] = /^Basic (.+)$/.exec(authorization) ?? []
  return atob(encoded).split(':').map(decodeURIComponent)
}

const RUNNING_STATE = /^(?:BLOCKED|PENDING|QUEUED|RUNNING|TERMINATING|WAITING|WAITING_FOR_RETRY)$/

export const jobRow = rowOf()
/** Databricks, which reports the states of its older API only. */
export const oldDatabricksJob = rowOf({ isOld: true })

function rowOf({ isOld = false } = {}) {
  return {
    starts: /^POST .*\/run-now$/,
    start: startWith(startDatabricks, ({ url: baseUrl, token, state, show }) => {
      const stateOf = () => {
        const { status, state: oldState } = state.runs.at(-1) ?? {}
        return isOld ? oldState?.['life_cycle_state'] : status?.['state']
      }
      /** Enters a state, or ends with a code. */
      const enter = (name: string) => {
        const termination_details = { code: name, type: 'SUCCESS', message: '' }
        const ended = isOld
          ? { life_cycle_state: 'TERMINATED', result_state: name }
          : { state: 'TERMINATED', termination_details }
        const isLifeCycle = RUNNING_STATE.test(name) || (isOld && /^(?:SKIPPED|INTERNAL_ERROR)$/.test(name))
        const entered = isLifeCycle ? { [isOld ? 'life_cycle_state' : 'state']: name } : ended
        show(isOld ? { status: undefined, state: entered } : { status: entered })
      }
      return {
        connection: { baseUrl, token },
        input: { target: String(state.jobs[0]?.job_id) },
        runs: () => state.runs.length,
        id: () => String(state.runs.at(-1)?.run_id),
        ...stages(enter, 'RUNNING', 'SUCCESS'),
        end() {
          enter('SUCCESS')
          show({ end_time: 1_764_000_090_000 })
        },
        finishStop() {
          if (stateOf() === 'TERMINATING') enter('CANCELED')
          return stateOf() === 'TERMINATED'
        },
      }
    }),
  } satisfies JobRow
}
