import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'

interface Parameter {
  name: string
  value: string
}

interface Build {
  number: number
  queueId: number
  parameters: Parameter[]
  building: boolean
  result: string | null
  duration: number
  tests: { totalCount: number; failCount: number; skipCount: number } | undefined
  stages: { name: string; status: string; error?: { message: string; type: string } }[]
}

interface Job {
  /** The folders and the job. A branch of a multibranch pipeline has its slashes escaped. */
  name: string
  kind: 'FreeStyleProject' | 'WorkflowJob'
  buildable: boolean
  parameters: string[]
  builds: Build[]
}

interface QueueItem {
  id: number
  job: Job
  parameters: Parameter[]
  why: string | null
  cancelled: boolean
  /** The number of its build. */
  executable: number | undefined
}

export type JenkinsServer = Awaited<ReturnType<typeof startJenkins>>
type State = ReturnType<typeof initial>

const USERNAME = 'robot'
const TOKEN = '11a1b2c3d4e5f60718293a4b5c6d7e8f90'
const FIRST_ITEM = 17
/** When each build started. */
const STARTED_AT = Date.parse('2026-11-27T10:00:00Z')

const initial = () => ({
  jobs: [
    newJob('shop/deploy', { parameters: ['STAGE', 'KEY'] }),
    newJob('shop/nightly', { kind: 'FreeStyleProject' }),
    newJob('shop/app/feature%2Fcart'),
  ],
  /** Contains completed items until they are deleted. */
  queue: [] as QueueItem[],
  may: { build: true, cancel: true },
  /** The root URL in the settings of Jenkins. */
  rootUrl: 'https://jenkins.internal:8443/',
  hasStageView: true,
  /** A plugin keeps builds out of the queue. */
  refusesAll: false,
})

/**
 * A fake of the remote access API of Jenkins. Its checks and messages come from the source of Jenkins
 * (hudson.model.Queue, jenkins.model.ParameterizedJobMixIn, hudson.model.ParametersDefinitionProperty).
 *
 * @see https://www.jenkins.io/doc/book/using/remote-access-api/
 */
export const startJenkins = definePlatform({
  state: initial,
  refuses: requireHeader(
    'authorization',
    basic(USERNAME, TOKEN),
    page(401, `Invalid password/token for user: ${USERNAME}`),
  ),
  // The path of a job names each folder: `/job/shop/job/deploy`. Here its name is one segment: `/job/shop%2Fdeploy`.
  operation: ({ method, encodedPath }) => `${method} ${encodedPath.replace(/(?<=^\/job\/.*)\/job\//g, '%2F')}`,
  routes: {
    'GET /me/api/json': () => ({ _class: 'hudson.model.User', id: USERNAME }),
    'GET /queue/api/json': ({ state }) => listQueue(state),
    'GET /queue/item/{id}/api/json': ({ state, params }) => getQueueItem(state, params.id),
    'POST /queue/cancelItem': ({ state, query }) => cancel(state, query.get('id')),
    'GET /job/{job}/api/json': ({ state, params, query }) => {
      const job = findJob(state, params.job)
      return job && jobResponse(job, query.get('tree') ?? '')
    },
    'POST /job/{job}/build': ({ state, params }) => {
      const job = findJob(state, params.job)
      if (!job) return undefined
      return (
        refuseBuild(state, job) ??
        (job.parameters.length > 0 ? page(400, 'Nothing is submitted') : queueBuild(state, job))
      )
    },
    'POST /job/{job}/buildWithParameters': ({ state, params, headers, text }) => {
      const job = findJob(state, params.job)
      if (!job) return undefined
      const refusal = refuseBuild(state, job)
      if (refusal) return refusal
      if (job.parameters.length === 0)
        return trace(500, 'This build is not parameterized!', 'java.lang.IllegalStateException')
      if (text !== '' && headers['content-type'] !== 'application/x-www-form-urlencoded')
        return page(415, 'Unsupported Media Type')
      return queueBuild(state, job, new URLSearchParams(text))
    },
    'GET /job/{job}/{number}/api/json': ({ state, params }) => {
      const { job, build } = findBuild(state, params)
      return job && build && buildResponse(job, build)
    },
    'GET /job/{job}/{number}/wfapi/describe': ({ state, params }) => {
      const { job, build } = findBuild(state, params)
      if (!build || job?.kind !== 'WorkflowJob' || !state.hasStageView) return undefined
      return { id: params.number, name: `#${params.number}`, status: 'IN_PROGRESS', stages: build.stages }
    },
    'POST /job/{job}/{number}/stop': ({ state, params }) => {
      const { build } = findBuild(state, params)
      if (!build) return undefined
      if (!state.may.cancel) return forbidden('Job/Cancel', 'hudson.model.Item.Cancel')
      if (build.building) Object.assign(build, { building: false, result: 'ABORTED', duration: 2_000 })
      return { status: 302, headers: { location: `${state.rootUrl}job/` } }
    },
  },
  notFound: page(404, 'Not Found'),
  members: (state) => ({
    username: USERNAME,
    token: TOKEN,
    job(name: string): Job {
      const job = findJob(state, name)
      if (!job) throw new Error(`There is no job ${name}`)
      return job
    },
    /** Starts the build of a queue item. */
    startBuild(id: number): Build {
      const item = state.queue.find((item) => item.id === id)
      if (!item) throw new Error(`There is no queue item ${id}`)
      const { job, parameters } = item
      const number = job.builds.length + 1
      const status = { building: true, result: null, duration: 0, tests: undefined, stages: [] }
      const build: Build = { number, queueId: id, parameters, ...status }
      job.builds.push(build)
      Object.assign(item, { executable: number, why: null })
      return build
    },
    end(build: Build, result: string, fields: Partial<Build> = {}) {
      Object.assign(build, { building: false, result, duration: 61_234, ...fields })
    },
  }),
})

function newJob(name: string, fields: Partial<Job> = {}): Job {
  return { name, kind: 'WorkflowJob', buildable: true, parameters: [], builds: [], ...fields }
}

function findJob({ jobs }: State, name: string): Job | undefined {
  return jobs.find((job) => job.name === name)
}

function findBuild(state: State, params: { job: string; number: string }) {
  const job = findJob(state, params.job)
  return { job, build: job?.builds.find(({ number }) => number === Number(params.number)) }
}

function isWaiting({ executable, cancelled }: QueueItem): boolean {
  return executable === undefined && !cancelled
}

function listQueue({ queue }: State) {
  const items = queue.filter(isWaiting).map(({ id, parameters }) => ({
    _class: 'hudson.model.Queue$BuildableItem',
    actions: [{ _class: 'hudson.model.CauseAction' }, {}, parametersAction(parameters)],
    id,
  }))
  return { _class: 'hudson.model.Queue', items }
}

function getQueueItem({ queue, rootUrl }: State, id: string): object | undefined {
  const item = queue.find((item) => item.id === Number(id))
  if (!item) return undefined
  const { job, why, cancelled, executable } = item
  if (isWaiting(item)) return { _class: 'hudson.model.Queue$WaitingItem', why }
  const url = `${rootUrl}job/${job.name.split('/').join('/job/')}/${executable}/`
  const build = executable === undefined ? null : { _class: classOf(job, 'Run'), number: executable, url }
  return { _class: 'hudson.model.Queue$LeftItem', why: null, cancelled, executable: build }
}

function cancel({ queue, may }: State, id: string | null): Reply {
  const item = queue.find((item) => item.id === Number(id))
  if (!item) return trace(404, `Provided id (${id}) not found`)
  if (!may.cancel) return trace(422, `Item for id (${id}) is not cancellable`)
  if (!isWaiting(item)) return trace(500, `Could not cancel run for id ${id}`)
  item.cancelled = true
  return { status: 204 }
}

function jobResponse(job: Job, tree: string) {
  const property: object[] = [{ _class: 'jenkins.model.BuildDiscarderProperty' }]
  if (job.parameters.length > 0)
    property.push({
      _class: 'hudson.model.ParametersDefinitionProperty',
      parameterDefinitions: job.parameters.map((name) => ({
        _class: 'hudson.model.StringParameterDefinition',
        name,
      })),
    })
  const builds = job.builds.toReversed().map(({ number, queueId, parameters }) => ({
    _class: classOf(job, 'Run'),
    number,
    queueId,
    actions: [{}, parametersAction(parameters)],
  }))
  return {
    _class: classOf(job, 'Job'),
    ...(tree.includes('property[') ? { property } : {}),
    ...(tree.includes('builds[') ? { builds: builds.slice(0, 100) } : {}),
  }
}

function refuseBuild({ may }: State, { buildable, name }: Job): Reply | undefined {
  if (!may.build) return forbidden('Job/Build', 'hudson.model.Item.Build')
  return buildable ? undefined : trace(409, `${name} is not buildable!`)
}

/** Adds a build to the queue, unless the same build is waiting there or a plugin refuses it. */
function queueBuild({ queue, rootUrl, refusesAll }: State, job: Job, form = new URLSearchParams()): Reply {
  if (refusesAll) return { status: 302, headers: { location: '.' } }
  // Jenkins ignores undefined parameters.
  const parameters = job.parameters.map((name) => ({ name, value: form.get(name) ?? 'default' }))
  const waiting = queue.find(
    (item) => item.job === job && isWaiting(item) && JSON.stringify(item.parameters) === JSON.stringify(parameters),
  )
  const id = waiting?.id ?? FIRST_ITEM + queue.length
  const why = 'In the quiet period. Expires in 4.9 sec'
  if (!waiting) queue.push({ id, job, parameters, why, cancelled: false, executable: undefined })
  // hudson.model.ParametersDefinitionProperty distinguishes the two.
  return { status: waiting && parameters.length > 0 ? 303 : 201, headers: { location: `${rootUrl}queue/item/${id}/` } }
}

function buildResponse(job: Job, { building, result, duration, tests }: Build) {
  const actions = [
    { _class: 'hudson.model.CauseAction' },
    {},
    ...(tests ? [{ _class: 'hudson.tasks.junit.TestResultAction', ...tests }] : []),
  ]
  return { _class: classOf(job, 'Run'), actions, building, timestamp: STARTED_AT, duration, result }
}

function classOf({ kind }: Job, type: 'Job' | 'Run'): string {
  if (kind === 'WorkflowJob') return `org.jenkinsci.plugins.workflow.job.Workflow${type}`
  return `hudson.model.FreeStyle${type === 'Job' ? 'Project' : 'Build'}`
}

function parametersAction(parameters: Parameter[]) {
  return {
    _class: 'hudson.model.ParametersAction',
    parameters: parameters.map((parameter) => ({ _class: 'hudson.model.StringParameterValue', ...parameter })),
  }
}

/** Returns an error page of Jetty. */
function page(status: number, message: string): Reply {
  const body = `<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>
<title>Error ${status} ${message}</title>
</head>
<body><h2>HTTP ERROR ${status} ${message}</h2>
<table>
<tr><th>URI:</th><td>/</td></tr>
<tr><th>STATUS:</th><td>${status}</td></tr>
<tr><th>MESSAGE:</th><td>${message}</td></tr>
<tr><th>SERVLET:</th><td>Stapler</td></tr>
</table>
</body>
</html>
`
  return { status, body, headers: { 'content-type': 'text/html;charset=iso-8859-1' } }
}

/** Returns the response of Stapler to an exception. */
function trace(status: number, message: string, kind = 'java.io.IOException'): Reply {
  const body = `${kind}: ${message}\n\tat jenkins.model.ParameterizedJobMixIn.doBuild(ParameterizedJobMixIn.java:192)\n`
  return { status, body, headers: { 'content-type': 'text/plain;charset=utf-8' } }
}

function forbidden(permission: string, id: string): Reply {
  const body = `<!DOCTYPE html><html><head><title>Access Denied - Jenkins</title></head><body>
<!-- You are authenticated as: robot
Permission you need to have (but didn't): ${id} -->
<h1>Access Denied</h1><p class="error">robot is missing the ${permission} permission</p></body></html>`
  return {
    status: 403,
    body,
    headers: { 'content-type': 'text/html;charset=utf-8', 'x-required-permission': id },
  }
}
