import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

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
  /** As in its URL: a branch of a multibranch pipeline has its slashes escaped. */
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
  /** The number of the build that it has become. */
  executable: number | undefined
}

/** The state of the fake. Tests read and change it. */
interface JenkinsState {
  jobs: Job[]
  /** Contains completed items until they are deleted. */
  queue: QueueItem[]
  may: { build: boolean; cancel: boolean }
  /** The root URL in the settings of Jenkins. */
  rootUrl: string
  hasStageView: boolean
}

export interface JenkinsServer extends Served {
  username: string
  token: string
  state: JenkinsState
  job(name: string): Job
  /** Lets a place in the queue become a build. */
  startBuild(id: number): Build
  end(build: Build, result: string, more?: Partial<Build>): void
}

/**
 * Jenkins as its remote access API answers: what it accepts and says is read from its source (hudson.model.Queue,
 * jenkins.model.ParameterizedJobMixIn, hudson.model.ParametersDefinitionProperty).
 *
 * @see https://www.jenkins.io/doc/book/using/remote-access-api/
 */
export async function startJenkins(): Promise<JenkinsServer> {
  const job = (name: string, more: Partial<Job> = {}): Job => ({
    name,
    kind: 'WorkflowJob',
    buildable: true,
    parameters: [],
    builds: [],
    ...more,
  })
  const state: JenkinsState = {
    jobs: [
      job('shop/deploy', { parameters: ['STAGE', 'KEY'] }),
      job('shop/nightly', { kind: 'FreeStyleProject' }),
      job('shop/app/feature%2Fcart'),
    ],
    queue: [],
    may: { build: true, cancel: true },
    rootUrl: 'https://jenkins.internal:8443/',
    hasStageView: true,
  }
  const username = 'robot'
  const token = '11a1b2c3d4e5f60718293a4b5c6d7e8f90'
  const served = await serve((call) => createJenkins(state, `${username}:${token}`).answer(call))
  return {
    ...served,
    username,
    token,
    state,
    job(name) {
      const found = state.jobs.find((one) => one.name === name)
      if (!found) throw new Error(`There is no job ${name}`)
      return found
    },
    startBuild(id) {
      const item = state.queue.find((one) => one.id === id)
      if (!item) throw new Error(`There is no place ${id}`)
      const number = item.job.builds.length + 1
      const { parameters } = item
      const fresh = { building: true, result: null, duration: 0, tests: undefined, stages: [] }
      const build: Build = { number, queueId: id, parameters, ...fresh }
      item.job.builds.push(build)
      Object.assign(item, { executable: number, why: null })
      return build
    },
    end(build, result, more = {}) {
      Object.assign(build, { building: false, result, duration: 61_234, ...more })
    },
  }
}

const firstPlace = 17

function createJenkins(state: JenkinsState, credentials: string) {
  function answer(call: Call): Reply {
    const { method, path, query, headers } = call
    const given = Buffer.from(String(headers['authorization']).replace('Basic ', ''), 'base64').toString()
    if (given !== credentials) return page(401, `Invalid password/token for user: ${given.split(':')[0]}`)
    if (path === '/me/api/json') return ok({ _class: 'hudson.model.User', id: 'robot' })
    if (path === '/queue/api/json') return getQueue()
    if (path === '/queue/cancelItem' && method === 'POST') return cancel(Number(query.get('id')))
    const place = /^\/queue\/item\/(\d+)\/api\/json$/.exec(path)?.[1]
    if (place) return getQueueItem(Number(place))
    const found = state.jobs.find(({ name }) => path.startsWith(`/job/${name.split('/').join('/job/')}/`))
    if (!found) return page(404, 'Not Found')
    const rest = path.slice(`/job/${found.name.split('/').join('/job/')}/`.length)
    if (rest === 'api/json') return getJob(found, query.get('tree') ?? '')
    if (rest === 'build' || rest === 'buildWithParameters') return start(found, rest, call)
    const [, number, what] = /^(\d+)\/(.+)$/.exec(rest) ?? []
    const build = found.builds.find((one) => one.number === Number(number))
    if (!build) return page(404, 'Not Found')
    if (what === 'api/json') return getBuild(found, build)
    if (what === 'stop' && method === 'POST') return stopBuild(build)
    if (what === 'wfapi/describe' && found.kind === 'WorkflowJob' && state.hasStageView)
      return ok({ id: number, name: `#${number}`, status: 'IN_PROGRESS', stages: build.stages })
    return page(404, 'Not Found')
  }

  function getQueue(): Reply {
    const items = state.queue
      .filter(({ executable, cancelled }) => executable === undefined && !cancelled)
      .map(({ id, parameters }) => ({
        _class: 'hudson.model.Queue$BuildableItem',
        actions: [
          { _class: 'hudson.model.CauseAction' },
          {},
          { _class: 'hudson.model.ParametersAction', parameters: shown(parameters) },
        ],
        id,
      }))
    return ok({ _class: 'hudson.model.Queue', items })
  }

  function getQueueItem(id: number): Reply {
    const item = state.queue.find((one) => one.id === id)
    if (!item) return page(404, 'Not Found')
    const { job, why, cancelled, executable } = item
    if (!cancelled && executable === undefined) return ok({ _class: 'hudson.model.Queue$WaitingItem', why })
    const url = `${state.rootUrl}job/${job.name.split('/').join('/job/')}/${executable}/`
    const left = executable === undefined ? null : { _class: classOf(job, 'Run'), number: executable, url }
    return ok({ _class: 'hudson.model.Queue$LeftItem', why: null, cancelled, executable: left })
  }

  function cancel(id: number): Reply {
    const item = state.queue.find((one) => one.id === id)
    if (!item) return trace(404, `Provided id (${id}) not found`)
    if (!state.may.cancel) return trace(422, `Item for id (${id}) is not cancellable`)
    if (item.executable !== undefined || item.cancelled) return trace(500, `Could not cancel run for id ${id}`)
    item.cancelled = true
    return { status: 204 }
  }

  function getJob(job: Job, tree: string): Reply {
    const property = [
      { _class: 'jenkins.model.BuildDiscarderProperty' },
      ...(job.parameters.length === 0
        ? []
        : [
            {
              _class: 'hudson.model.ParametersDefinitionProperty',
              parameterDefinitions: job.parameters.map((name) => ({
                _class: 'hudson.model.StringParameterDefinition',
                name,
              })),
            },
          ]),
    ]
    const builds = job.builds.toReversed().map(({ number, queueId, parameters }) => ({
      _class: classOf(job, 'Run'),
      number,
      queueId,
      actions: [{}, { _class: 'hudson.model.ParametersAction', parameters: shown(parameters) }],
    }))
    return ok({
      _class: classOf(job, 'Job'),
      ...(tree.includes('property[') ? { property } : {}),
      ...(tree.includes('builds[') ? { builds: builds.slice(0, 100) } : {}),
    })
  }

  function start(job: Job, how: string, { method, headers, body }: Call): Reply {
    if (method !== 'POST') return page(405, 'Method Not Allowed')
    if (!state.may.build) return forbidden('Job/Build', 'hudson.model.Item.Build')
    if (!job.buildable) return trace(409, `${job.name} is not buildable!`)
    if (how === 'build' && job.parameters.length > 0) return page(400, 'Nothing is submitted')
    if (how === 'buildWithParameters' && job.parameters.length === 0)
      return trace(500, 'This build is not parameterized!', 'java.lang.IllegalStateException')
    if (body !== undefined && headers['content-type'] !== 'application/x-www-form-urlencoded')
      return page(415, 'Unsupported Media Type')
    const form = new URLSearchParams(typeof body === 'string' ? body : '')
    // Jenkins ignores undefined parameters.
    const parameters = job.parameters.map((name) => ({ name, value: form.get(name) ?? 'default' }))
    const same = state.queue.find(
      (item) =>
        item.job === job &&
        item.executable === undefined &&
        !item.cancelled &&
        JSON.stringify(item.parameters) === JSON.stringify(parameters),
    )
    const id = same?.id ?? firstPlace + state.queue.length
    const why = 'In the quiet period. Expires in 4.9 sec'
    if (!same) state.queue.push({ id, job, parameters, why, cancelled: false, executable: undefined })
    return { status: 201, headers: { location: `${state.rootUrl}queue/item/${id}/` } }
  }

  function getBuild(job: Job, { building, result, duration, tests }: Build): Reply {
    const actions = [
      { _class: 'hudson.model.CauseAction' },
      {},
      ...(tests ? [{ _class: 'hudson.tasks.junit.TestResultAction', ...tests }] : []),
    ]
    return ok({ _class: classOf(job, 'Run'), actions, building, duration, result })
  }

  function stopBuild(build: Build): Reply {
    if (!state.may.cancel) return forbidden('Job/Cancel', 'hudson.model.Item.Cancel')
    if (build.building) Object.assign(build, { building: false, result: 'ABORTED', duration: 2_000 })
    return { status: 302, headers: { location: `${state.rootUrl}job/` } }
  }

  return { answer }
}

function classOf({ kind }: Job, what: 'Job' | 'Run'): string {
  if (kind === 'WorkflowJob') return `org.jenkinsci.plugins.workflow.job.Workflow${what}`
  return `hudson.model.FreeStyle${what === 'Job' ? 'Project' : 'Build'}`
}

function shown(parameters: Parameter[]) {
  return parameters.map((one) => ({ _class: 'hudson.model.StringParameterValue', ...one }))
}

/** A page of Jetty. */
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
