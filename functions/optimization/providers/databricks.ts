import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Authorization, Http } from '../../../shared/http/client.ts'
import { oauthAuthorization } from '../../../shared/http/oauth.ts'
import { defineJobProvider, type Run, type RunStatus, type Verdict } from '../../../shared/providers/job.ts'
import { limitOutput, metricsIn, parseOutput } from '../../../shared/providers/run-output.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: url(
    'The workspace: https://adb-1234567890123456.7.azuredatabricks.net or https://<name>.cloud.databricks.com',
  ),
  clientId: optional(word('The client id of a service principal that may manage runs of the jobs')),
  clientSecret: optional(secret('An OAuth secret of the service principal')),
  token: optional(secret('Instead of a service principal, a personal access token')),
  target: optional(word('Default job, by its id or name')),
})
type Connection = z.output<typeof connection>

/** Of 64 bits there; Databricks promises that they fit into the numbers of JavaScript. */
const id = z.pipe(z.int(), z.transform(String))
const text = z.nullish(z.string())
const number = z.nullish(z.number())
const progress = {
  state: z.nullish(z.object({ life_cycle_state: text, result_state: text, state_message: text, queue_reason: text })),
  status: z.nullish(
    z.object({ state: text, termination_details: z.nullish(z.object({ code: text, type: text, message: text })) }),
  ),
}
const task = z.object({ run_id: id, task_key: z.string(), attempt_number: number, run_page_url: text, ...progress })
const jobRun = z.object({
  ...{ run_id: id, run_page_url: text, tasks: z.nullish(z.array(task)), ...progress },
  ...{ start_time: number, end_time: number, run_duration: number },
})
type Progress = Pick<z.output<typeof task>, keyof typeof progress>
type Task = z.output<typeof task>
type JobRun = z.output<typeof jobRun>
const started = z.object({ run_id: optional(id) })
const jobList = z.object({ jobs: z.nullish(z.array(z.object({ job_id: id }))) })
const taskOutput = z.object({ notebook_output: z.nullish(z.object({ result: text })), error: text })

const api = 'api/2.2/jobs'
/** The three states of a run in which it goes on no more, of both kinds of states. */
const ends = ['TERMINATED', 'SKIPPED', 'INTERNAL_ERROR']
/** For how long after its end the output of a run is waited for where it can not be read, in milliseconds. */
const patience = 600_000
const longestReason = 500
const longestStep = 200

const states: Readonly<Record<string, Verdict>> = {
  BLOCKED: 'running',
  PENDING: 'running',
  QUEUED: 'running',
  RUNNING: 'running',
  TERMINATING: 'running',
  WAITING: 'running',
  WAITING_FOR_RETRY: 'running',
  SUCCESS: 'pass',
  SUCCESS_WITH_FAILURES: 'warning',
  FAILED: 'fail',
  RUN_EXECUTION_ERROR: 'fail',
  // The job's own limit of time.
  TIMEDOUT: 'fail',
  CANCELED: 'aborted',
  USER_CANCELED: 'aborted',
  BREAKING_CHANGE: 'errored',
  BUDGET_POLICY_LIMIT_EXCEEDED: 'errored',
  CLOUD_FAILURE: 'errored',
  CLUSTER_ERROR: 'errored',
  CLUSTER_REQUEST_LIMIT_EXCEEDED: 'errored',
  DISABLED: 'errored',
  DRIVER_ERROR: 'errored',
  EXCLUDED: 'errored',
  FEATURE_DISABLED: 'errored',
  INTERNAL_ERROR: 'errored',
  INVALID_CLUSTER_REQUEST: 'errored',
  INVALID_RUN_CONFIGURATION: 'errored',
  LIBRARY_INSTALLATION_ERROR: 'errored',
  MAXIMUM_CONCURRENT_RUNS_REACHED: 'errored',
  MAX_CONCURRENT_RUNS_EXCEEDED: 'errored',
  MAX_JOB_QUEUE_SIZE_EXCEEDED: 'errored',
  MAX_SPARK_CONTEXTS_EXCEEDED: 'errored',
  REPOSITORY_CHECKOUT_FAILED: 'errored',
  RESOURCE_NOT_FOUND: 'errored',
  SKIPPED: 'errored',
  STORAGE_ACCESS_ERROR: 'errored',
  UNAUTHORIZED_ERROR: 'errored',
  UPSTREAM_CANCELED: 'errored',
  UPSTREAM_FAILED: 'errored',
  WORKSPACE_RUN_LIMIT_EXCEEDED: 'errored',
}
/** Of tasks that did not run because of others. */
const consequences = ['DISABLED', 'EXCLUDED', 'SKIPPED', 'UPSTREAM_CANCELED', 'UPSTREAM_FAILED']

/**
 * Databricks: a run of a job (Jobs API 2.2). It carries the key of its call as its idempotency token.
 *
 * @see https://docs.databricks.com/api/workspace/jobs
 * @see https://github.com/databricks/databricks-sdk-go service/jobs/model.go, for what each state means
 */
export const databricks = defineJobProvider({
  title: 'Databricks',
  noun: 'run',
  connection,
  authorization,
  check: ({ http }) => http.get(`${api}/list`, { query: { limit: 1 } }),
  isCredentialsError: refusesCredentials,

  states,
  hasIdempotentStart: true as const,

  checkStart({ target, project, ref }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalid(field, 'is of no use, since a job is known by its id: leave it out')
    if (/^\d+$/.test(target) && !isId(target))
      throw invalid('target', 'is no job: write its id, like 11223344, or its name')
  },

  async start({ http, idempotencyKey: key }, { target, parameters }) {
    const job = isId(target) ? target : await jobNamed(http, target)
    const body = {
      job_id: Number(job),
      ...(parameters ? { job_parameters: toTextParameters(parameters) } : {}),
      idempotency_token: key,
    }
    const { run_id: id } = (await http.post(`${api}/run-now`, body, { schema: started })).body
    // Of a continuous job that runs it restarts the run, and names none.
    if (id === undefined)
      throw new Failure(
        'doubtful',
        `Databricks accepted the start and names no run of job ${job}, as for a continuous job, so it cannot be followed: look there before you repeat it.`,
      )
    return { id, url: `${http.baseUrl}/#job/${job}/run/${id}` }
  },

  async getStatus({ http }, run) {
    const now = (await http.get(`${api}/runs/get`, { query: { run_id: run.id }, schema: jobRun })).body
    const state = stateOf(now)
    const tasks = lastAttempts(now.tasks ?? [])
    const sight = { state, run: runOf(now, run) }
    return isOn(state)
      ? { ...sight, progress: stepOf(now, tasks) }
      : { ...sight, ...(await resultsOf(http, now, tasks)) }
  },

  parseRunId({ id }) {
    if (isId(id)) return { id }
    throw invalid('id', 'is no run: write its number, like 455644833')
  },

  // Of a run that has ended it changes nothing.
  async stop({ http }, { id }) {
    await http.post(`${api}/runs/cancel`, { run_id: Number(id) })
  },
})

/** A service principal, whose tokens are fetched, else the token that the connection holds. */
function authorization({ baseUrl, token, clientId, clientSecret }: Connection, ca: string | undefined): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (clientId && clientSecret) {
    const tokenUrl = `${baseUrl.replace(/\/$/, '')}/oidc/v1/token`
    return oauthAuthorization({ tokenUrl, clientId, clientSecret, scope: 'all-apis', usesBasicAuth: true }, ca)
  }
  throw new Failure('misconfigured', 'The connection to Databricks needs clientId and clientSecret, or a token.')
}

/** A token that is wrong or has expired is answered like a lack of rights, but for its words. */
function refusesCredentials(status: number, body: unknown): boolean {
  const { message } = (body ?? {}) as { message?: unknown }
  return (
    (status === 400 || status === 403) && /invalid (?:access )?token|token (?:is|has) expired/i.test(String(message))
  )
}

async function jobNamed(http: Http, name: string): Promise<string> {
  const { jobs } = (await http.get(`${api}/list`, { query: { name, limit: 2 }, schema: jobList })).body
  const [found, ...others] = jobs ?? []
  if (found && others.length === 0) return found.job_id
  throw new Failure(
    'refused',
    found
      ? `More than one job of Databricks is named ${name}: write the id of one as input.target.`
      : `Databricks shows no job that is named ${name}: is it spelled like that, and may the connection see it?`,
  )
}

/** The reason of an end is there before the end is: while a run is being terminated. */
function stateOf({ state, status }: Progress): string {
  const now = status?.state ?? state?.life_cycle_state ?? ''
  if (!ends.includes(now)) return now
  const code = status?.termination_details?.code
  const result = state?.result_state
  // A cancellation by the platform, as the code has it.
  if (result === 'TIMEDOUT') return result
  // Codes may be added; results are older.
  return [code, result].find((word) => word && Object.hasOwn(states, word)) ?? code ?? result ?? now
}

function isOn(state: string): boolean {
  return (states[state] ?? 'running') === 'running'
}

/** A task that was tried again is listed once for each try. */
function lastAttempts(tasks: Task[]): Task[] {
  const attempts = tasks.toSorted((one, other) => (one.attempt_number ?? 0) - (other.attempt_number ?? 0))
  return [...new Map(attempts.map((one) => [one.task_key, one])).values()]
}

function stepOf({ state }: JobRun, tasks: Task[]): string | undefined {
  const on = tasks.filter((one) => stateOf(one) === 'RUNNING').map(({ task_key }) => task_key)
  const done = tasks.filter((one) => !isOn(stateOf(one))).length
  const step = on.length > 0 ? `${done} of ${tasks.length} tasks done, on ${on.join(', ')}` : state?.queue_reason
  return step ? clipSingleLine(step, longestStep) : undefined
}

async function resultsOf(http: Http, now: JobRun, tasks: Task[]): Promise<Partial<RunStatus>> {
  const failing = failingOf(tasks)
  // What several tasks answer has no meaning in common.
  const telling = failing ?? (tasks.length === 1 ? tasks[0] : undefined)
  const { result, error, unread } = telling ? await resultOf(http, telling, now.end_time) : {}
  const output = parseOutput(result)
  const why = error || (failing && messageOf(failing)) || messageOf(now)
  const reason = [failing && `task ${failing.task_key} failed`, why].filter(Boolean).join(': ')
  const duration = durationOf(now)
  const type = now.status?.termination_details?.type
  return {
    reason: clipSingleLine([reason, unread].filter(Boolean).join('; '), longestReason) || undefined,
    data: {
      ...duration,
      ...(failing ? { failedTask: failing.task_key } : {}),
      ...(type && type !== 'SUCCESS' ? { terminationType: type } : {}),
      ...(limitOutput(output) === undefined ? {} : { output: limitOutput(output) }),
    },
    links: failing ? linkTo(failing) : {},
    metrics: { ...duration, ...metricsIn(output) },
    // 0 stands for a time that is not known yet.
    period: { start: now.start_time || undefined, end: now.end_time || undefined },
  }
}

/** The first that failed by itself, and not because another one had. */
function failingOf(tasks: Task[]): Task | undefined {
  return tasks.find((one) => {
    const state = stateOf(one)
    return ['fail', 'errored'].includes(states[state] ?? '') && !consequences.includes(state)
  })
}

interface TaskOutput {
  result?: string | undefined
  error?: string | undefined
  unread?: string
}

/** Where it can not be read, the verdict is not lost for that; but a fault that may go away is waited out for a while. */
async function resultOf(http: Http, { run_id }: Task, ended: JobRun['end_time']): Promise<TaskOutput> {
  try {
    const { notebook_output, error } = (
      await http.get(`${api}/runs/get-output`, { query: { run_id }, schema: taskOutput })
    ).body
    return { result: notebook_output?.result ?? undefined, error: error ?? undefined }
  } catch (error) {
    const waitedFor = Date.now() - (ended || Date.now())
    if (!(error instanceof Failure) || (error.kind !== 'refused' && waitedFor < patience)) throw error
    return { unread: `its output can not be read: ${error.message}` }
  }
}

function messageOf({ state, status }: Progress): string {
  return status?.termination_details?.message || state?.state_message || ''
}

/** In seconds; milliseconds there, and 0 for what is not known. */
function durationOf({ start_time, end_time, run_duration }: JobRun): Record<string, number> {
  const took = run_duration || (start_time && end_time ? end_time - start_time : 0)
  return took > 0 ? { duration: Math.round(took / 1_000) } : {}
}

function linkTo({ task_key, run_page_url }: Task): Record<string, string> {
  return run_page_url && isWebPage(run_page_url) ? { [`task ${task_key}`]: run_page_url } : {}
}

function runOf({ run_id: id, run_page_url: page }: JobRun, { url }: Run): Run {
  return { id, url: page && isWebPage(page) ? page : url }
}

function isWebPage(link: string): boolean {
  return /^https?:\/\//.test(link)
}

function isId(target: string): boolean {
  return /^[1-9]\d{0,15}$/.test(target) && Number.isSafeInteger(Number(target))
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
