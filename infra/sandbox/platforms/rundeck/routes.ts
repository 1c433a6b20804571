import { routeTable } from '../../../testing/route-table.ts'
import { timeOf } from '../github/issues.ts'
import {
  type FakeCall,
  type FakeReply,
  isObject,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  type Platform,
  segments,
} from '../sandbox/http.ts'

export const PROJECT = 'shop'
const NEWEST_VERSION = 48

export interface Job {
  id: string
  name: string
  /** Empty for a job at the top level. */
  group: string
  description: string
  /** The options without which the job does not start. */
  required: string[]
  allowsMultiple?: boolean
  isEnabled?: boolean
}

/** The times are epoch milliseconds. */
export interface Execution {
  id: number
  job: Job
  options: Record<string, string>
  status: string
  customStatus?: string
  abortedby?: string
  started: number
  ended?: number
  succeededNodes?: string[]
  failedNodes?: string[]
  /** The execution by which Rundeck retried this one. */
  retriedAs?: number
}

export interface RundeckState {
  token: string
  jobs: readonly Job[]
  user: string
  /** The permissions of the token. */
  may: { run: boolean; read: boolean; kill: boolean; events: boolean }
  all(): Execution[]
  find(id: number): Execution | undefined
  /** Called before the status of an execution is returned. */
  read?(execution: Execution): void
  start(job: Job, options: Record<string, string>): Execution
  /** Returns why the execution cannot be aborted. */
  abort(execution: Execution): string | undefined
  /** Returns the state of the steps, or undefined if it was not stored. */
  steps(execution: Execution): object | undefined
}

/** A request to a version of the API. */
interface RundeckCall extends FakeCall {
  /** The URL of the version. */
  api: string
  state: RundeckState
}

const route = routeTable<RundeckCall, FakeReply>()({
  'GET /api/{version}/projects': ({ api }) =>
    json(200, [{ url: `${api}/project/${PROJECT}`, name: PROJECT, description: '' }]),
  'GET /api/{version}/project/{id}/jobs': ({ params: { id }, ...call }) =>
    id === PROJECT ? listJobs(call) : missing('Project', id),
  'GET /api/{version}/job/{id}/executions': ({ params, ...call }) => withJob(call, params.id, listExecutions),
  'POST /api/{version}/job/{id}/run': ({ params, ...call }) => withJob(call, params.id, run),
  'GET /api/{version}/execution/{id}': ({ params, ...call }) =>
    withExecution(call, params.id, true, (execution) => {
      call.state.read?.(execution)
      return json(200, executionResponse(call, execution))
    }),
  'GET /api/{version}/execution/{id}/state': ({ params, ...call }) =>
    withExecution(call, params.id, true, (execution) => {
      const steps = call.state.steps(execution)
      return steps ? json(200, steps) : missing('Execution State', params.id)
    }),
  'POST /api/{version}/execution/{id}/abort': ({ params, ...call }) =>
    withExecution(call, params.id, false, (execution) => abort(call, execution)),
})

/**
 * The part of Rundeck's API that runs jobs and returns executions, in JSON.
 *
 * @see https://docs.rundeck.com/docs/api/
 * @see https://github.com/rundeck/rundeck/tree/main/rundeckapp/grails-app/controllers/rundeck/controllers
 */
export function rundeckRoutes(state: RundeckState): Pick<Platform, 'answer' | 'error'> {
  return {
    error: (status, message) => failure(status, status === 401 ? 'unauthorized' : 'api.error.unknown', message),

    answer(call) {
      const token = call.headers['x-rundeck-auth-token']
      if (token !== state.token) {
        const user = typeof token === 'string' ? `(Token:${token.slice(0, 5)}****)` : '(unauthenticated)'
        return failure(403, 'unauthorized', `${user} is not authorized for: ${call.path}`)
      }
      const [api, version = ''] = segments(call.path)
      if (api !== 'api' || !/^\d+$/.test(version)) return webPage()
      if (Number(version) > NEWEST_VERSION) {
        const message = `Unsupported API Version "${version}". API Request: ${call.path}. Reason: Current version: ${NEWEST_VERSION}`
        return failure(400, 'api.error.api-version.unsupported', message)
      }
      if (call.size > MAX_BODY_BYTES) return failure(413, 'api.error.invalid.request', 'The request is too large')
      return route(`${call.method} ${call.path}`, { ...call, api: `${call.root}/api/${version}`, state }) ?? webPage()
    },
  }
}

function listJobs(call: RundeckCall): FakeReply {
  const [name, group] = [call.query.get('jobExactFilter'), call.query.get('groupPathExact')]
  const found = call.state.jobs.filter(
    (job) => (name === null || job.name === name) && (group === null || job.group === (group === '-' ? '' : group)),
  )
  return json(
    200,
    found.map((job) => jobResponse(call, job)),
  )
}

function listExecutions(call: RundeckCall, job: Job): FakeReply {
  const { state, query } = call
  if (!state.may.events) return unauthorized('Read', 'Events in Project shop')
  const isRunning = query.get('status') === 'running'
  const found = state
    .all()
    .filter((execution) => execution.job === job && (!isRunning || execution.ended === undefined))
    // Databases sort NULL last: running executions come after all others.
    .sort((a, b) => (b.ended ?? 0) - (a.ended ?? 0) || b.id - a.id)
  const [offset, max] = [Number(query.get('offset') ?? 0), Number(query.get('max') ?? 20)]
  const executions = found.slice(offset, offset + max).map((execution) => executionResponse(call, execution))
  return json(200, { paging: { count: executions.length, total: found.length, offset, max }, executions })
}

function run(call: RundeckCall, job: Job): FakeReply {
  const { state, body: text } = call
  if (!state.may.run) return unauthorized('Execute', `Job ID ${job.id}`)
  if (job.isEnabled === false) return failure(400, 'api.error.job.disabled', 'Executions are disabled for this job')
  const options = (text === '' ? {} : jsonObject(text))?.['options'] ?? {}
  if (!isObject(options)) return failure(400, 'api.error.invalid.request', 'Invalid API Request: invalid JSON')
  const required = job.required.find((option) => !options[option])
  if (required !== undefined) {
    const message = `Job options were not valid: Option '${required}' is required.`
    return failure(400, 'api.error.job.options-invalid', message)
  }
  const running = state.all().find((execution) => execution.job === job && execution.ended === undefined)
  if (running && job.allowsMultiple === false) {
    const message = `Execution had a conflict: Job "${job.name}" [${job.id}] is currently being executed (execution [[${running.id}]])`
    return failure(409, 'api.error.execution.conflict', message)
  }
  const texts = Object.entries(options).map(([name, value]) => [name, String(value)] as const)
  const execution = state.start(job, Object.fromEntries(texts))
  return json(200, executionResponse(call, execution), {}, `execution ${execution.id} of ${job.name}`)
}

function abort(call: RundeckCall, execution: Execution): FakeReply {
  const { id, status, ended } = execution
  if (!call.state.may.kill) return unauthorized('Kill', `Execution ${id}`)
  const reason = ended === undefined ? call.state.abort(execution) : 'Job is not running'
  const abort = reason === undefined ? { status: 'pending' } : { status: 'failed', reason }
  const { href } = executionResponse(call, execution)
  return json(200, { abort, execution: { id: String(id), status, href } }, {}, `aborts execution ${id}`)
}

function withJob(call: RundeckCall, id: string, then: (call: RundeckCall, job: Job) => FakeReply): FakeReply {
  const job = call.state.jobs.find((job) => job.id === id)
  return job ? then(call, job) : missing('Job ID', id)
}

function withExecution(
  { state }: RundeckCall,
  id: string,
  isRead: boolean,
  then: (execution: Execution) => FakeReply,
): FakeReply {
  const execution = /^\d+$/.test(id) ? state.find(Number(id)) : undefined
  if (!execution) return missing('Execution ID', id)
  return isRead && !state.may.read ? unauthorized('Read', `Execution ${id}`) : then(execution)
}

function jobResponse({ api, root }: RundeckCall, { id, name, group, description, isEnabled = true }: Job) {
  return {
    id,
    name,
    group: group || null,
    project: PROJECT,
    description,
    href: `${api}/job/${id}`,
    permalink: `${root}/project/${PROJECT}/job/show/${id}`,
    scheduled: false,
    scheduleEnabled: true,
    enabled: isEnabled,
  }
}

function executionResponse(call: RundeckCall, execution: Execution) {
  const { id, job, options, status, customStatus, abortedby, started, ended, retriedAs } = execution
  const links = (of: number) => ({
    id: of,
    href: `${call.api}/execution/${of}`,
    permalink: executionPageUrl(call.root, of),
  })
  const argstring = Object.entries(options).map(([name, value]) => `-${name} ${value}`)
  return {
    ...links(id),
    status,
    customStatus: status === 'other' ? customStatus : undefined,
    project: PROJECT,
    executionType: 'user',
    user: call.state.user,
    'date-started': dateOf(started),
    'date-ended': ended === undefined ? undefined : dateOf(ended),
    job: { ...jobResponse(call, job), averageDuration: 5_000, options },
    description: job.description,
    argstring: argstring.length > 0 ? argstring.join(' ') : null,
    abortedby,
    successfulNodes: ended === undefined ? undefined : execution.succeededNodes,
    failedNodes: ended === undefined ? undefined : execution.failedNodes,
    retriedExecution: retriedAs === undefined ? undefined : { ...links(retriedAs), status: 'running' },
  }
}

export function executionPageUrl(root: string, id: number): string {
  return `${root}/project/${PROJECT}/execution/show/${id}`
}

function dateOf(unixtime: number) {
  return { unixtime, date: timeOf(unixtime) }
}

function failure(status: number, errorCode: string, message: string): FakeReply {
  return json(status, { error: true, apiversion: NEWEST_VERSION, errorCode, message }, {}, message)
}

function missing(what: string, id: string): FakeReply {
  return failure(404, 'api.error.item.doesnotexist', `${what} does not exist: ${id}`)
}

function unauthorized(action: string, what: string): FakeReply {
  return failure(403, 'api.error.item.unauthorized', `Not authorized for action "${action}" for ${what}`)
}

/** Rundeck responds with a web page to paths outside its API. */
function webPage(): FakeReply {
  return { status: 404, headers: { 'content-type': 'text/html;charset=utf-8' }, body: '<html>Not found</html>' }
}
