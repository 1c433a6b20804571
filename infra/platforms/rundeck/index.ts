import { demo } from '../sandbox/demo.ts'
import {
  type Answer,
  type Call,
  isObject,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  type Platform,
  segments,
} from '../sandbox/http.ts'
import { type JobRunSummary, jobRunPage, summaryOf } from '../sandbox/job-run-summary.ts'
import { createJobRuns, type JobRun } from '../sandbox/job-runs.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import {
  executionPageUrl,
  executionShape,
  type Job,
  jobShape,
  newestVersion,
  project,
  stateShape,
  statusOf,
} from './shapes.ts'

export interface Rundeck extends Platform {
  runs(root: string): JobRunSummary[]
}

const jobs: readonly Job[] = [
  {
    id: '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a',
    name: 'restart-checkout',
    description: 'Restarts the checkout, one node after the other',
    steps: ['drain', 'restart'],
  },
  {
    id: 'b152d59b-7d6d-440c-95ea-23dc9fc1db07',
    name: 'clear-cache',
    description: 'Empties the cache of the shop',
    steps: ['flush', 'warm up'],
  },
]

/**
 * Plays the part of Rundeck's API that runs jobs and looks after their executions, in JSON, for whoever brings the demo
 * token. There is the project `shop` with the jobs `restart-checkout` and `clear-cache`. They take any option; `seconds` and
 * `outcome` say how long an execution takes and how it ends (see `createJobRuns`); `nonsense` is a status of its own.
 *
 * @see https://docs.rundeck.com/docs/api/
 */
export function createRundeck(store: Store): Rundeck {
  const runs = createJobRuns(store, 'rundeck', 5)

  function route(call: Call): Answer {
    const [api, version = '', kind, id = '', what, ...more] = segments(call.path)
    if (api !== 'api' || !/^\d+$/.test(version) || more.length > 0) return nothing()
    if (Number(version) > newestVersion) {
      const why = `Unsupported API Version "${version}". API Request: ${call.path}. Reason: Current version: ${newestVersion}`
      return failure(400, 'api.error.api-version.unsupported', why)
    }
    if (call.size > MAX_BODY_BYTES) return failure(413, 'api.error.invalid.request', 'The request is too large')
    switch (`${call.method} ${kind}${id && '/ID'}${what === undefined ? '' : `/${what}`}`) {
      case 'GET projects':
        return json(200, [{ url: `${call.root}/api/${version}/project/${project}`, name: project }])
      case 'GET project/ID/jobs':
        return id === project ? listJobs(call, version) : missing('Project', id)
      case 'GET job/ID/executions':
        return withJob(id, (job) => listExecutions(call, version, job))
      case 'POST job/ID/run':
        return withJob(id, (job) => run(call, version, job))
      case 'GET execution/ID':
        return withExecution(id, (job, execution) => json(200, shape(call, version, job, execution)))
      case 'GET execution/ID/state':
        return withExecution(id, (job, execution) => json(200, stateShape(job, execution)))
      case 'POST execution/ID/abort':
        return withExecution(id, (job, execution) => abort(shape(call, version, job, execution), execution))
      default:
        return nothing()
    }
  }

  function listJobs({ query, root }: Call, version: string): Answer {
    const [name, group] = [query.get('jobExactFilter'), query.get('groupPathExact')]
    // None of them is in a group, for which Rundeck writes a dash.
    const found = jobs.filter((job) => (name === null || job.name === name) && (group === null || group === '-'))
    return json(
      200,
      found.map((job) => jobShape(root, version, job)),
    )
  }

  function listExecutions(call: Call, version: string, job: Job): Answer {
    const running = call.query.get('status') === 'running'
    const found = runs
      .all()
      .filter((run) => run.job === job.name && (!running || statusOf(run) === 'running'))
      .reverse()
    const [offset, max] = [Number(call.query.get('offset') ?? 0), Number(call.query.get('max') ?? 20)]
    const executions = found.slice(offset, offset + max).map((run) => shape(call, version, job, run))
    return json(200, { paging: { count: executions.length, total: found.length, offset, max }, executions })
  }

  function run(call: Call, version: string, job: Job): Answer {
    const body = call.body === '' ? {} : jsonObject(call.body)
    const options = body?.['options'] ?? {}
    if (!isObject(options)) return failure(400, 'api.error.invalid.request', 'Invalid API Request: invalid JSON')
    const texts = Object.entries(options).map(([name, value]) => [name, String(value)] as const)
    const number = runs.start(job.name, Object.fromEntries(texts))
    return withExecution(String(number), (_, execution) =>
      json(200, shape(call, version, job, execution), {}, `execution ${number} of ${job.name}`),
    )
  }

  function abort({ id, href, status }: ReturnType<typeof executionShape>, execution: JobRun): Answer {
    const isOver = status !== 'running'
    if (!isOver) runs.stop(execution)
    const abort = isOver ? { status: 'failed', reason: 'Job is not running' } : { status: 'pending' }
    return json(200, { abort, execution: { id: String(id), status, href } }, {}, `aborts execution ${id}`)
  }

  function withJob(id: string, then: (job: Job) => Answer): Answer {
    const job = jobs.find((one) => one.id === id)
    return job ? then(job) : missing('Job ID', id)
  }

  function withExecution(id: string, then: (job: Job, run: JobRun) => Answer): Answer {
    const run = /^\d+$/.test(id) ? runs.get(Number(id)) : undefined
    const job = jobs.find(({ name }) => name === run?.job)
    return run && job ? then(job, run) : missing('Execution ID', id)
  }

  const summary = (root: string, run: JobRun) =>
    summaryOf(run, {
      platform: 'rundeck',
      id: run.number,
      status: statusOf(run),
      html_url: executionPageUrl(root, run),
    })

  return {
    error: (status, message) => failure(status, status === 401 ? 'unauthorized' : 'api.error.unknown', message),

    answer(call) {
      const token = call.headers['x-rundeck-auth-token']
      if (token === demo.rundeckToken) return route(call)
      const who = typeof token === 'string' ? `(Token:${token.slice(0, 5)}****)` : '(unauthenticated)'
      return failure(403, 'unauthorized', `${who} is not authorized for: ${call.path}`)
    },

    page({ path, root }) {
      const [first, inProject, kind, show, id, ...more] = segments(path)
      if (first !== 'project' || `${kind}/${show}` !== 'execution/show' || more.length > 0) return undefined
      const run = inProject === project && /^\d+$/.test(id ?? '') ? runs.get(Number(id)) : undefined
      return run ? jobRunPage('Rundeck', summary(root, run)) : missingPage('execution')
    },

    runs: (root) => runs.all().map((run) => summary(root, run)),
  }
}

function shape(call: Call, version: string, job: Job, run: JobRun) {
  return executionShape(call.root, version, job, run)
}

function failure(status: number, errorCode: string, message: string): Answer {
  return json(status, { error: true, apiversion: newestVersion, errorCode, message }, {}, message)
}

function missing(what: string, id: string): Answer {
  return failure(404, 'api.error.item.doesnotexist', `${what} does not exist: ${id}`)
}

/** What is no part of its API leads to a page of its own. */
function nothing(): Answer {
  return { status: 404, headers: { 'content-type': 'text/html;charset=utf-8' }, body: '<html>Not found</html>' }
}
