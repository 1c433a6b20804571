import { routeTable } from '../../../testing/route-table.ts'
import {
  bearer,
  type FakeCall,
  type FakeReply,
  isObject,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  type Platform,
} from '../sandbox/http.ts'

/** A job with the default values of its parameters. */
export interface Job {
  job_id: number
  name: string
  parameters: Record<string, string>
}

export interface DatabricksState {
  jobs: readonly Job[]
  acceptsToken(token: string): boolean
  /** Permissions of the user. */
  may: { run: boolean; seeOutput: boolean }
  /** Starts a run, or finds the one with the same idempotency token. Returns its id. */
  start(job: Job, parameters: Record<string, string>, token: string | undefined): number
  /** Returns a run in the format of the API. */
  run(id: number, root: string): object | undefined
  /** Returns the output of a task, which has a run id of its own. */
  output(id: number, root: string): object | undefined
  cancel(id: number): void
}

const ERROR_CODES: Record<number, string> = {
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
}

/**
 * The part of the Jobs API 2.2 that starts jobs and returns their runs.
 *
 * @see https://docs.databricks.com/api/workspace/jobs
 */
export function databricksRoutes(state: DatabricksState): Pick<Platform, 'answer' | 'error'> {
  const route = routeTable<FakeCall, FakeReply>()({
    'GET /api/2.2/jobs/list'({ query }) {
      const name = query.get('name')?.toLowerCase()
      const found = state.jobs.filter((job) => name === undefined || job.name.toLowerCase() === name)
      const jobs = found.slice(0, Number(query.get('limit') ?? 20)).map(jobResponse)
      return json(200, { ...(jobs.length > 0 ? { jobs } : {}), has_more: false })
    },
    'POST /api/2.2/jobs/run-now': (call) => withBody(call, runNow),
    'GET /api/2.2/jobs/runs/get': (call) => withRun(call, call.query.get('run_id'), (run) => json(200, run)),
    'GET /api/2.2/jobs/runs/get-output': (call) => getOutput(call),
    'POST /api/2.2/jobs/runs/cancel': (call) =>
      withBody(call, ({ run_id }) => withRun(call, run_id, () => cancel(run_id))),
  })

  function cancel(id: unknown): FakeReply {
    if (!state.may.run) return forbidden('Manage Run permissions on the job')
    state.cancel(Number(id))
    return json(200, {}, {}, `cancels run ${id}`)
  }

  function runNow({
    job_id: id,
    job_parameters: parameters = {},
    idempotency_token: token,
  }: Record<string, unknown>): FakeReply {
    const job = state.jobs.find(({ job_id }) => job_id === Number(id))
    if (!job) return invalid(`Job ${id ?? 0} does not exist.`)
    if (!state.may.run) return forbidden('Manage Run permissions on the job')
    if (!isObject(parameters)) return malformed('job_parameters')
    const texts = Object.entries(parameters).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    if (texts.length < Object.keys(parameters).length) return malformed('job_parameters')
    const unknown = Object.keys(parameters).find((name) => !Object.hasOwn(job.parameters, name))
    if (unknown !== undefined) return invalid(`Job parameter ${unknown} is not defined.`)
    if (token !== undefined && typeof token !== 'string') return malformed('idempotency_token')
    if ((token?.length ?? 0) > 64) return invalid('The idempotency token must have at most 64 characters.')
    const run_id = state.start(job, { ...job.parameters, ...Object.fromEntries(texts) }, token || undefined)
    return json(200, { run_id, number_in_job: run_id }, {}, `run ${run_id} of ${job.name}`)
  }

  function getOutput({ query, root }: FakeCall): FakeReply {
    if (!state.may.seeOutput) return forbidden('View permissions on the run')
    const id = query.get('run_id')
    if (id === null) return invalid('Missing required field: run_id')
    const output = state.output(Number(id), root)
    if (output) return json(200, output)
    return state.run(Number(id), root)
      ? invalid(
          'Retrieving the output of runs with multiple tasks is not supported. Please retrieve the output of each individual task run instead.',
        )
      : noRun(id)
  }

  function withRun({ root }: FakeCall, id: unknown, then: (run: object) => FakeReply): FakeReply {
    if (id === undefined || id === null) return invalid('Missing required field: run_id')
    const run = state.run(Number(id), root)
    return run ? then(run) : noRun(id)
  }

  return {
    error: (status, message) => refusal(status, ERROR_CODES[status] ?? status, message),

    answer(call) {
      if (call.headers.authorization === undefined) {
        return refusal(401, 401, 'Credential was not sent or was of an unsupported type for this API.')
      }
      if (!state.acceptsToken(bearer(call.headers) ?? '')) return refusal(403, 403, 'Invalid access token.')
      if (call.size > MAX_BODY_BYTES) return refusal(413, 'MAX_REQUEST_SIZE_EXCEEDED', 'The request is too large.')
      const operation = `${call.method} ${call.path}`
      return route(operation, call) ?? refusal(404, 'ENDPOINT_NOT_FOUND', `No API found for '${operation}'`)
    },
  }
}

function jobResponse({ job_id, name, parameters }: Job) {
  const settings = {
    name,
    format: 'MULTI_TASK',
    max_concurrent_runs: 10,
    timeout_seconds: 0,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, default: value })),
  }
  return { job_id, creator_user_name: 'sandbox-bot', settings, created_time: Date.parse('2026-01-05T09:00:00Z') }
}

function withBody(call: FakeCall, then: (body: Record<string, unknown>) => FakeReply): FakeReply {
  const body = jsonObject(call.body)
  return body ? then(body) : refusal(400, 'MALFORMED_REQUEST', 'Invalid JSON given in the body of the request')
}

/** @param code a number if the gateway rejects the request */
function refusal(status: number, code: string | number, message: string): FakeReply {
  return json(status, { error_code: code, message }, {}, message)
}

function invalid(message: string): FakeReply {
  return refusal(400, 'INVALID_PARAMETER_VALUE', message)
}

function malformed(name: string): FakeReply {
  return refusal(400, 'MALFORMED_REQUEST', `Could not parse request object: ${name}`)
}

function forbidden(permission: string): FakeReply {
  return refusal(403, 'PERMISSION_DENIED', `User mia does not have ${permission}.`)
}

function noRun(id: unknown): FakeReply {
  return invalid(`Run ${id} does not exist.`)
}
