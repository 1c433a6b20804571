import { routeTable } from '../../testing/route-table.ts'
import { bearer, type FakeCall, type FakeReply, html, json, jsonObject, type Platform } from './sandbox/http.ts'

/** A task that runs on the server and waits for its completion: a check, a gate or a task of an agentless job. */
export interface AzureTask {
  organization: string
  project: string
  hub: string
  plan: string
  planVersion: number
  job: string
  timeline: string
  task: string
  /** The access token of the job. */
  token: string
  isStarted: boolean
  state: 'inProgress' | 'completed' | 'canceled'
  result?: 'succeeded' | 'failed'
  logs: string[]
  /** The log that the timeline shows. */
  logId?: number
  issues: { type: string; category: string; message: string }[]
}

interface Options {
  /** Returns the task of a plan. */
  find(plan: string): AzureTask | undefined
  /** A personal access token that is also accepted. */
  personalToken?: string
  /** Whether a second completion of a task is refused. Microsoft does not document it. */
  refusesRepeats?: () => boolean
  onCompleted?(task: AzureTask): void
  /** @param operation as the documentation of Azure DevOps names it */
  onAnswer?(operation: string, plan: string, call: FakeCall, answer: FakeReply): void
}

const NO_ID = '00000000-0000-0000-0000-000000000000'
const VERSIONS = ['7.1-preview.1', '7.1-preview', '2.0-preview.1']

/** Returns the values of a new task. Each call needs its own seed. */
export function newTask(seed: (part: string) => string, values: Partial<AzureTask> = {}): AzureTask {
  const [project, plan, job, timeline, task] = ['project', 'plan', 'job', 'timeline', 'task'].map((part) =>
    guidOf(seed(part)),
  ) as [string, string, string, string, string]
  return {
    organization: 'contoso',
    project,
    plan,
    job,
    timeline,
    task,
    hub: 'checks',
    planVersion: 13,
    token: seed('token'),
    isStarted: false,
    state: 'inProgress',
    logs: [],
    issues: [],
    ...values,
  }
}

/** Formats 32 hex digits as a GUID. */
function guidOf(hex: string): string {
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/**
 * Replaces the variables in a text as Azure DevOps does before it calls.
 *
 * @param root URL of the platform
 * @see https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
 */
export function expand(text: string, task: AzureTask, root: string, custom: Record<string, string> = {}): string {
  const variables: Record<string, string> = {
    'system.collectionuri': `${root}/${task.organization}/`,
    'system.teamprojectid': task.project,
    'system.hosttype': task.hub,
    'system.planid': task.plan,
    'system.jobid': task.job,
    'system.timelineid': task.timeline,
    'system.taskinstanceid': task.task,
    'system.accesstoken': task.token,
    ...Object.fromEntries(Object.entries(custom).map(([name, value]) => [name.toLowerCase(), value])),
  }
  // An unknown variable is not replaced.
  return text.replace(/\$\(([\w.]+)\)/g, (found, name: string) => variables[name.toLowerCase()] ?? found)
}

interface PlanCall extends FakeCall {
  options: Options
}
type TaskCall = PlanCall & { params: { organization: string; project: string; hub: string; plan: string } }

const route = routeTable<PlanCall, FakeReply>()({
  'GET /{organization}/_apis/connectionData': connectionData,
  'GET /{organization}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}': withTask('Get Plan', (task) =>
    json(200, { planId: task.plan, version: task.planVersion }),
  ),
  'POST /{organization}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/events': withTask('Post Event', raise),
  'POST /{organization}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/logs': withTask(
    'Create Log',
    createLog,
  ),
  'POST /{organization}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/logs/{log}': withTask(
    'Append Log Content',
    appendToLog,
  ),
  'GET /{organization}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/timelines/{timeline}/records': withTask(
    'List Records',
    withTimeline((task) => json(200, { count: 1, value: [recordOf(task)] })),
  ),
  'PATCH /{organization}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/timelines/{timeline}/records':
    withTask('Update Records', withTimeline(updateRecords)),
})

/**
 * Azure DevOps' API of plans: events, logs and timelines.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask
 */
export function azureDevops(options: Options): Platform {
  return {
    answer: (call) =>
      route(`${call.method} ${call.path}`, { ...call, options }) ?? error(404, 'The page was not found.'),
    error,
  }
}

/** @param operation as the documentation of Azure DevOps names it */
function withTask<C extends TaskCall>(operation: string, then: (task: AzureTask, call: C) => FakeReply) {
  return (call: C): FakeReply => {
    const { options, params } = call
    const task = options.find(params.plan)
    const answer = refuse(call, task) ?? (task ? then(task, call) : error(404, `Plan ${params.plan} was not found.`))
    options.onAnswer?.(operation, params.plan, call, answer)
    return answer
  }
}

function refuse(call: TaskCall, task: AzureTask | undefined): FakeReply | undefined {
  const { options, params, query } = call
  if (!isAuthorized(call, task, options)) return signIn(call)
  if (!VERSIONS.includes(query.get('api-version') ?? ''))
    return error(400, 'No api-version was supplied or it is not supported.')
  const isFound = task !== undefined && hasPath(task, params) && task.state !== 'canceled'
  return isFound ? undefined : error(404, `Plan ${params.plan} was not found.`)
}

function createLog(task: AzureTask, call: FakeCall): FakeReply {
  const { path } = jsonObject(call.body) ?? {}
  if (path !== `logs\\${task.task}`) return error(400, 'The path of the log is not valid.')
  task.logs.push('')
  return json(200, { id: task.logs.length, path, lineCount: 0 })
}

function appendToLog(
  task: AzureTask,
  { params: { log }, headers, body }: TaskCall & { params: { log: string } },
): FakeReply {
  const index = Number(log) - 1
  if (task.logs[index] === undefined) return error(404, `Log ${log} was not found.`)
  if (headers['content-type'] !== 'application/octet-stream') return error(415, 'Send application/octet-stream.')
  task.logs[index] += body
  return json(200, { id: index + 1, lineCount: body.split('\n').length })
}

function withTimeline(then: (task: AzureTask, call: FakeCall) => FakeReply) {
  return (task: AzureTask, call: TaskCall & { params: { timeline: string } }): FakeReply =>
    call.params.timeline === task.timeline ? then(task, call) : error(404, 'Not found.')
}

function raise(task: AzureTask, { body, options: { onCompleted, refusesRepeats } }: PlanCall): FakeReply {
  const { name, taskId, jobId, result } = jsonObject(body) ?? {}
  const isOld = sameHub(task, 'gates') && task.planVersion <= 12
  const expected = isOld ? [NO_ID, task.task] : [task.task, task.job]
  if (taskId !== expected[0] || jobId !== expected[1]) return error(400, 'The event is not for a task of this plan.')
  if (name === 'TaskStarted') {
    task.isStarted = true
    return { status: 204 }
  }
  if (name !== 'TaskCompleted' || (result !== 'succeeded' && result !== 'failed'))
    return error(400, 'The event is not valid.')
  if (task.state === 'completed')
    return task.result === result && !refusesRepeats?.() ? { status: 204 } : error(400, 'The task has completed.')
  Object.assign(task, { state: 'completed', result })
  onCompleted?.(task)
  return { status: 204 }
}

function updateRecords(task: AzureTask, { body }: FakeCall): FakeReply {
  const { value, count } = jsonObject(body) ?? {}
  const [record] = Array.isArray(value) ? value : []
  if (record?.id !== task.task || count !== 1) return error(400, 'The record is not one of this timeline.')
  if (record.log) task.logId = record.log.id
  if (record.issues) task.issues = record.issues
  return json(200, { count: 1, value: [recordOf(task)] })
}

function recordOf({ task, state, result, logId }: AzureTask) {
  return {
    id: task,
    type: 'Task',
    name: 'Invoke REST API',
    result: result ?? null,
    task: { id: '9c3e8943-130d-4c78-ac63-8af81df62dfb', name: 'InvokeRESTAPI', version: '1.274.1' },
    state: state === 'inProgress' ? state : 'completed',
    log: logId === undefined ? null : { id: logId },
  }
}

function hasPath(task: AzureTask, { organization, project, hub }: TaskCall['params']): boolean {
  return task.organization === organization && task.project === project && sameHub(task, hub)
}

function sameHub({ hub }: AzureTask, other: string): boolean {
  return hub.toLowerCase() === other.toLowerCase()
}

function isAuthorized({ headers }: FakeCall, task: AzureTask | undefined, { personalToken }: Options): boolean {
  if (task !== undefined && bearer(headers) === task.token) return true
  return personalToken !== undefined && headers.authorization === basicOf(personalToken)
}

function basicOf(token: string): string {
  return `Basic ${Buffer.from(`:${token}`).toString('base64')}`
}

function connectionData(call: PlanCall): FakeReply {
  const { personalToken = '' } = call.options
  const { authorization } = call.headers
  const isAnonymous = authorization === undefined
  if (!isAnonymous && authorization !== basicOf(personalToken)) return signIn(call)
  return json(200, { authenticatedUser: { id: isAnonymous ? 'anonymous' : 'robot' } })
}

/** Without this header, people get the sign-in page with a successful status. */
function signIn({ headers }: FakeCall): FakeReply {
  return headers['x-tfs-fedauthredirect'] === 'Suppress'
    ? error(401, 'TF400813: The user is not authorized to access this resource.')
    : html(203, '<!DOCTYPE html><title>Sign in</title>')
}

function error(status: number, message: string): FakeReply {
  return json(status, { $id: '1', innerException: null, message, typeKey: 'VssServiceException', errorCode: 0 })
}
