import { demo } from '../sandbox/demo.ts'
import {
  type Answer,
  bearer,
  type Call,
  isObject,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  type Platform,
} from '../sandbox/http.ts'
import { type JobRunSummary, jobRunPage, summaryOf } from '../sandbox/job-run-summary.ts'
import { createJobRuns, type JobRun } from '../sandbox/job-runs.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { type Job, jobShape, outputShape, readRunId, runIdOf, runPageUrl, runShape } from './shapes.ts'

export interface Databricks extends Platform {
  runs(root: string): JobRunSummary[]
}

const jobs: readonly Job[] = [
  {
    job_id: 101,
    name: 'tune-recommender',
    task: 'tune',
    parameters: { service: 'shop', trials: '20', seconds: '10', outcome: 'success' },
  },
]

/**
 * Plays the part of Databricks' Jobs API 2.2 that starts jobs and looks after their runs, for whoever brings the demo
 * token. There is the job 101, `tune-recommender`, with one task, a notebook that answers its best configuration as JSON.
 * Its parameters `seconds` and `outcome` say how long a run takes and how it ends (see `createJobRuns`); `nonsense` is a run
 * that ends well with an output that is no JSON.
 *
 * @see https://docs.databricks.com/api/workspace/jobs
 */
export function createDatabricks(store: Store): Databricks {
  const runs = createJobRuns(store, 'databricks', 10)

  function route(call: Call): Answer {
    if (call.size > MAX_BODY_BYTES) return refusal(413, 'MAX_REQUEST_SIZE_EXCEEDED', 'The request is too large.')
    const { root } = call
    switch (`${call.method} ${call.path}`) {
      case 'GET /api/2.2/jobs/list': {
        const asked = call.query.get('name')?.toLowerCase()
        const found = jobs.filter(({ name }) => asked === undefined || name === asked)
        return json(200, { ...(found.length > 0 ? { jobs: found.map(jobShape) } : {}), has_more: false })
      }
      case 'GET /api/2.2/jobs/get': {
        const job = jobs.find(({ job_id }) => String(job_id) === call.query.get('job_id'))
        return job ? json(200, jobShape(job)) : noJob(call.query.get('job_id'))
      }
      case 'POST /api/2.2/jobs/run-now':
        return withBody(call, runNow)
      case 'GET /api/2.2/jobs/runs/get':
        return withRun(call.query.get('run_id'), (job, run) => json(200, runShape(root, job, run)))
      case 'GET /api/2.2/jobs/runs/get-output':
        return withRun(call.query.get('run_id'), (job, run, isTask) => {
          if (isTask) return json(200, outputShape(root, job, run))
          const why = 'Retrieving the output of runs with multiple tasks is not supported.'
          const instead = 'Please retrieve the output of each individual task run instead.'
          return invalid(`${why} ${instead}`)
        })
      case 'POST /api/2.2/jobs/runs/cancel':
        return withBody(call, ({ run_id }) =>
          withRun(run_id, (_, run) => {
            runs.stop(run)
            return json(200, {}, {}, `cancels run ${runIdOf(run)}`)
          }),
        )
      default:
        return refusal(404, 'ENDPOINT_NOT_FOUND', `No API found for '${call.method} ${call.path}'`)
    }
  }

  function runNow({
    job_id: id,
    job_parameters: given = {},
    idempotency_token: token,
  }: Record<string, unknown>): Answer {
    const job = jobs.find(({ job_id }) => job_id === Number(id))
    if (!job) return noJob(id)
    if (!isObject(given)) return malformed('job_parameters')
    const texts = Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    if (texts.length < Object.keys(given).length) return malformed('job_parameters')
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(job.parameters, name))
    if (unknown !== undefined) return invalid(`Job parameter ${unknown} is not defined.`)
    if (token !== undefined && typeof token !== 'string') return malformed('idempotency_token')
    if ((token?.length ?? 0) > 64) return invalid('The idempotency token must have at most 64 characters.')
    const run_id = runIdOf({
      number: runs.start(job.name, { ...job.parameters, ...Object.fromEntries(texts) }, token || undefined),
    })
    return json(200, { run_id, number_in_job: run_id }, {}, `run ${run_id} of ${job.name}`)
  }

  /** Runs and their tasks alike have ids of runs. */
  function withRun(id: unknown, then: (job: Job, run: JobRun, isTask: boolean) => Answer): Answer {
    if (id === undefined || id === null) return invalid('Missing required field: run_id')
    const { number, isTask } = readRunId(Number(id))
    const run = runs.get(number)
    const job = jobs.find(({ name }) => name === run?.job)
    return run && job ? then(job, run, isTask) : invalid(`Run ${id} does not exist.`)
  }

  function summary(root: string, run: JobRun): JobRunSummary | undefined {
    const job = jobs.find(({ name }) => name === run.job)
    if (!job) return undefined
    const { state } = runShape('', job, run)
    const html_url = runPageUrl(root, job, run)
    return summaryOf(run, {
      platform: 'databricks',
      id: runIdOf(run),
      status: state.result_state ?? state.life_cycle_state,
      html_url,
    })
  }

  return {
    error: (status, message) => refusal(status, codes[status] ?? status, message),

    answer(call) {
      if (call.headers.authorization === undefined) {
        return refusal(401, 401, 'Credential was not sent or was of an unsupported type for this API.')
      }
      if (bearer(call.headers) !== demo.databricksToken) return refusal(403, 403, 'Invalid access token.')
      return route(call)
    },

    page({ path, root }) {
      const id = /^\/jobs\/\d+\/runs\/(\d+)$/.exec(path)?.[1]
      if (id === undefined) return undefined
      const run = runs.get(readRunId(Number(id)).number)
      const shown = run && summary(root, run)
      return shown ? jobRunPage('Databricks', shown) : missingPage('run')
    },

    runs: (root) => runs.all().flatMap((run) => summary(root, run) ?? []),
  }
}

const codes: Record<number, string> = {
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
}

function withBody(call: Call, then: (body: Record<string, unknown>) => Answer): Answer {
  const body = jsonObject(call.body)
  return body ? then(body) : refusal(400, 'MALFORMED_REQUEST', 'Invalid JSON given in the body of the request')
}

/** @param code the status as a number where it is the gateway that refuses */
function refusal(status: number, code: string | number, message: string): Answer {
  return json(status, { error_code: code, message }, {}, message)
}

function invalid(message: string): Answer {
  return refusal(400, 'INVALID_PARAMETER_VALUE', message)
}

function malformed(name: string): Answer {
  return refusal(400, 'MALFORMED_REQUEST', `Could not parse request object: ${name}`)
}

function noJob(id: unknown): Answer {
  return invalid(`Job ${id ?? 0} does not exist.`)
}
