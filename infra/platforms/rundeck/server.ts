import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

interface Job {
  id: string
  name: string
  group: string
  project: string
  /** Options that must be given. */
  required: string[]
  /** Whether it may run while it runs. */
  multiple: boolean
  enabled: boolean
}

/** How an execution goes: it runs for so many looks, and ends like this. */
interface Course {
  looks: number
  ends: string
  customStatus?: string
  failedNodes?: string[]
  /** What it ends as if it is aborted; `aborted` if not given. */
  abortedAs?: string
  /** Runs on, whoever aborts it. */
  stubborn?: boolean
  /** Rundeck tries it again, and this is how that goes. */
  retry?: Course
}

interface Execution extends Course {
  id: number
  job: Job
  options: Record<string, string>
  status: string
  abortedby?: string
  began: number
  ended?: number
  retriedAs?: number
}

/** What can be looked at and changed from a test. */
interface RundeckState {
  jobs: Job[]
  executions: Execution[]
  /** How what is started from now on goes. */
  course: Course
  /** What the token may do. */
  may: { run: boolean; read: boolean; kill: boolean; events: boolean }
  /** Whether the state of the steps can be read. */
  keepsState: boolean
}

export interface RundeckServer extends Served {
  token: string
  state: RundeckState
  /** Ends an execution, or takes it to any other status. */
  set(id: number, status: string, more?: Partial<Course>): void
}

export const restart = '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a'
const newestVersion = 48

/**
 * Rundeck as its API answers, in JSON.
 *
 * @see https://docs.rundeck.com/docs/api/
 * @see https://github.com/rundeck/rundeck/tree/main/rundeckapp/grails-app/controllers/rundeck/controllers
 */
export async function startRundeck(): Promise<RundeckServer> {
  const token = 'E4rNvVRV378knO9dp3d73O0cs1kd0kCd'
  const job = (id: string, name: string, group: string): Job => {
    return { id, name, group, project: 'shop', required: [], multiple: true, enabled: true }
  }
  const state: RundeckState = {
    jobs: [
      job(restart, 'restart', 'ops/web'),
      job('a6e1e0f7-ad32-4b93-ba2c-9387be06a146', 'restart', ''),
      job('b152d59b-7d6d-440c-95ea-23dc9fc1db07', 'restart all', 'ops/web'),
    ],
    executions: [],
    course: { looks: 1, ends: 'succeeded' },
    may: { run: true, read: true, kill: true, events: true },
    keepsState: true,
  }
  let url = ''
  const served = await serve((call) => new Rundeck(state, token, url).answer(call))
  url = served.url
  return {
    ...served,
    token,
    state,
    set(id, status, more = {}) {
      const execution = state.executions.find((one) => one.id === id)
      if (!execution) throw new Error(`There is no execution ${id}`)
      Object.assign(execution, more)
      settle(execution, status)
    },
  }
}

const goesOn = ['running', 'scheduled', 'queued']

function settle(execution: Execution, status: string): void {
  execution.status = status
  if (!goesOn.includes(status)) execution.ended = execution.began + 6_614
}

function wrong(status: number, errorCode: string, message: string): Reply {
  return { status, body: { error: true, apiversion: newestVersion, errorCode, message } }
}

const missing = (what: string, id: string) => wrong(404, 'api.error.item.doesnotexist', `${what} does not exist: ${id}`)
const unauthorized = (action: string, what: string) =>
  wrong(403, 'api.error.item.unauthorized', `Not authorized for action "${action}" for ${what}`)

class Rundeck {
  readonly #state: RundeckState
  readonly #token: string
  readonly #url: string

  constructor(state: RundeckState, token: string, url: string) {
    this.#state = state
    this.#token = token
    this.#url = url
  }

  answer({ method, path, query, headers, body }: Call): Reply {
    const token = String(headers['x-rundeck-auth-token'] ?? '')
    if (token !== this.#token) {
      const who = token ? `(Token:${token.slice(0, 5)}****)` : '(unauthenticated)'
      return wrong(403, 'unauthorized', `${who} is not authorized for: ${path}`)
    }
    const [, version, rest = ''] = /^\/api\/(\d+)\/(.*)$/.exec(path) ?? []
    if (Number(version) > newestVersion) {
      const why = `Unsupported API Version "${version}". API Request: ${path}. Reason: Current version: ${newestVersion}`
      return wrong(400, 'api.error.api-version.unsupported', why)
    }
    const at = `${method} ${rest}`
    if (at === 'GET projects') return { status: 200, body: [{ name: 'shop', description: '', url: '' }] }
    const [, project] = /^GET project\/([^/]+)\/jobs$/.exec(at) ?? []
    if (project) return this.#jobs(project, query)
    const [, list] = /^GET job\/([^/]+)\/executions$/.exec(at) ?? []
    if (list) return this.#executions(list, query)
    const [, run] = /^POST job\/([^/]+)\/run$/.exec(at) ?? []
    if (run) return this.#run(run, body)
    const [, id = '', of = ''] = /^\w+ execution\/([^/]+)(\/state|\/abort)?$/.exec(at) ?? []
    const execution = this.#state.executions.find((one) => String(one.id) === id)
    if (!execution) return id ? missing('Execution ID', id) : { status: 404, body: '<html>Not found</html>' }
    if (at.startsWith('POST') && of === '/abort') return this.#abort(execution)
    if (!this.#state.may.read) return unauthorized('Read', `Execution ${id}`)
    if (of === '/state') return this.#steps(execution)
    if (goesOn.includes(execution.status) && --execution.looks < 0) this.#end(execution)
    return { status: 200, body: this.#shown(execution) }
  }

  #jobs(project: string, query: URLSearchParams): Reply {
    if (project !== 'shop') return missing('Project', project)
    const [name, group] = [query.get('jobExactFilter'), query.get('groupPathExact')]
    const found = this.#state.jobs.filter(
      (job) => (name === null || job.name === name) && (group === null || job.group === (group === '-' ? '' : group)),
    )
    return { status: 200, body: found.map((job) => this.#job(job)) }
  }

  #executions(id: string, query: URLSearchParams): Reply {
    const job = this.#state.jobs.find((one) => one.id === id)
    if (!job) return missing('Job ID', id)
    if (!this.#state.may.events) return unauthorized('Read', 'Events in Project shop')
    const running = query.get('status') === 'running'
    const all = this.#state.executions.filter((one) => one.job === job && (!running || one.ended === undefined))
    // As its databases sort: what has not ended comes last.
    const sorted = all.sort((a, b) => (b.ended ?? 0) - (a.ended ?? 0) || b.id - a.id)
    const [offset, max] = [Number(query.get('offset') ?? 0), Number(query.get('max') ?? 20)]
    const page = sorted.slice(offset, offset + max)
    const paging = { count: page.length, total: all.length, offset, max }
    return { status: 200, body: { paging, executions: page.map((one) => this.#shown(one)) } }
  }

  #run(id: string, body: unknown): Reply {
    const job = this.#state.jobs.find((one) => one.id === id)
    if (!job) return missing('Job ID', id)
    if (!this.#state.may.run) return unauthorized('Execute', `Job ID ${id}`)
    if (!job.enabled) return wrong(400, 'api.error.job.disabled', 'Executions are disabled for this job')
    const { options = {} } = (body ?? {}) as { options?: Record<string, string> }
    const left = job.required.find((option) => !options[option])
    if (left) {
      const why = `Job options were not valid: Option '${left}' is required.`
      return wrong(400, 'api.error.job.options-invalid', why)
    }
    const under = this.#state.executions.find((one) => one.job === job && one.ended === undefined)
    if (under && !job.multiple) {
      const why = `Execution had a conflict: Job "${job.name}" [${id}] is currently being executed (execution [[${under.id}]])`
      return wrong(409, 'api.error.execution.conflict', why)
    }
    return { status: 200, body: this.#shown(this.#begin(job, options, this.#state.course)) }
  }

  #begin(job: Job, options: Record<string, string>, course: Course): Execution {
    const id = 134 + this.#state.executions.length
    const execution = { ...course, id, job, options, status: 'running', began: 1_431_536_339_809 + id * 1_000 }
    this.#state.executions.push(execution)
    return execution
  }

  #end(execution: Execution): void {
    if (execution.retry) {
      execution.retriedAs = this.#begin(execution.job, execution.options, execution.retry).id
      settle(execution, 'failed-with-retry')
    } else settle(execution, execution.ends)
  }

  #abort(execution: Execution): Reply {
    if (!this.#state.may.kill) return unauthorized('Kill', `Execution ${execution.id}`)
    const over = execution.ended !== undefined
    if (!over && !execution.stubborn) {
      execution.abortedby = 'robot'
      Object.assign(execution, { ends: execution.abortedAs ?? 'aborted', looks: 1 })
    }
    const status = over || execution.stubborn ? 'failed' : 'pending'
    const reason = over ? 'Job is not running' : execution.stubborn ? 'Unable to interrupt' : undefined
    const { id, href } = this.#shown(execution)
    return {
      status: 200,
      body: { abort: { status, ...(reason ? { reason } : {}) }, execution: { id, status: execution.status, href } },
    }
  }

  #steps({ id, status, failedNodes = [] }: Execution): Reply {
    if (!this.#state.keepsState)
      return wrong(404, 'api.error.item.doesnotexist', `Execution State does not exist: ${id}`)
    const executionState = status === 'succeeded' ? 'SUCCEEDED' : status === 'aborted' ? 'ABORTED' : 'FAILED'
    const nodeStates = Object.fromEntries(failedNodes.map((node) => [node, { executionState: 'FAILED' }]))
    const failing = { id: '1', executionState: 'FAILED', nodeStep: true, nodeStates }
    const well = { id: '1', executionState: 'SUCCEEDED', nodeStep: true, nodeStates: {} }
    const steps = [well, { id: '2', executionState, hasSubworkflow: true, workflow: { steps: [failing] } }]
    return { status: 200, body: { completed: true, executionId: id, executionState, stepCount: 2, steps } }
  }

  #shown(execution: Execution) {
    const { id, job, options, status, customStatus, abortedby, began, ended, failedNodes, retriedAs } = execution
    const links = (of: number) => ({
      id: of,
      href: `${this.#url}/api/44/execution/${of}`,
      permalink: `${this.#url}/project/shop/execution/show/${of}`,
    })
    const at = (unixtime: number) => ({ unixtime, date: new Date(unixtime).toISOString() })
    const argstring = Object.entries(options).map(([option, value]) => `-${option} ${value}`)
    return {
      ...links(id),
      status,
      ...(status === 'other' ? { customStatus } : {}),
      project: job.project,
      executionType: 'user',
      user: 'robot',
      'date-started': at(began),
      ...(ended === undefined ? {} : { 'date-ended': at(ended) }),
      job: { ...this.#job(job), averageDuration: 6_094, options },
      description: 'echo hello there [... 2 steps]',
      argstring: argstring.length > 0 ? argstring.join(' ') : null,
      ...(abortedby ? { abortedby } : {}),
      ...(ended === undefined ? {} : { successfulNodes: ['web3'], ...(failedNodes ? { failedNodes } : {}) }),
      ...(retriedAs ? { retriedExecution: { ...links(retriedAs), status: 'running' } } : {}),
    }
  }

  #job({ id, name, group, project }: Job) {
    const links = { href: `${this.#url}/api/44/job/${id}`, permalink: `${this.#url}/project/${project}/job/show/${id}` }
    return { id, name, group: group || null, project, description: '', ...links }
  }
}
