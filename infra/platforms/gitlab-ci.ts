import { type Call, type Reply, type Served, serve } from './loopback-server.ts'

interface Variable {
  key: string
  value: string
}

interface Job {
  name: string
  stage: string
  status: string
  failure_reason?: string
  allow_failure?: boolean
}

interface Pipeline {
  id: number
  ref: string
  source: string
  status: string
  name: string | null
  /** The user that started the pipeline. */
  by: string
  variables: Variable[]
  inputs: Record<string, unknown>
  created_at: string
  updated_at: string
  duration: number | null
  coverage: string | null
  jobs: Job[]
  tests: { time: number; count: number; success: number; failed: number; skipped: number; error: number }
}

/** The state of the fake. Tests read and change it. */
interface GitlabCiState {
  pipelines: Pipeline[]
  branches: string[]
  defaultBranch: string | null
  /** The inputs that the pipeline has; a name of it may echo one. */
  inputs: string[]
  named: string | undefined
  /** Whether the user may set variables of the pipeline. */
  variablesAllowed: boolean
  /** Whether who may see pipelines may see their jobs. */
  jobsShown: boolean
  mayRun: boolean
  /** Whether its rules leave no job. */
  empty: boolean
}

export interface GitlabCiServer extends Served {
  token: string
  state: GitlabCiState
  /** Adds a pipeline of another user. */
  addOf(by: string): void
  /** Completes the newest pipeline. */
  finish(status: string, what?: Partial<Pipeline>): void
}

const project = { id: 21, path: 'ops/shop/checkout' }
const robot = 'robot'

/**
 * GitLab's API of pipelines with one project.
 *
 * @see https://docs.gitlab.com/api/pipelines/
 */
export async function startGitlabCi(): Promise<GitlabCiServer> {
  const token = 'glpat-a-token-of-gitlab-ci'
  const state: GitlabCiState = {
    pipelines: [],
    branches: ['main', 'release/1.2'],
    defaultBranch: 'main',
    inputs: ['replicas', 'key'],
    named: 'key',
    variablesAllowed: true,
    jobsShown: true,
    mayRun: true,
    empty: false,
  }
  const served = await serve((call) => {
    if (call.headers['private-token'] !== token) return said(401, '401 Unauthorized')
    return new Gitlab(state, served.url).answer(call)
  })
  return {
    ...served,
    token,
    state,
    addOf(by) {
      state.pipelines.push({ ...new Gitlab(state, served.url).made('main', [], {}), by })
    },
    finish(status, what = {}) {
      Object.assign(state.pipelines.at(-1) ?? {}, { status, duration: 34, ...what })
    },
  }
}

function said(status: number, message: unknown): Reply {
  return { status, body: { message } }
}

class Gitlab {
  readonly #state: GitlabCiState
  readonly #url: string

  constructor(state: GitlabCiState, url: string) {
    this.#state = state
    this.#url = url
  }

  answer({ method, path, query, body }: Call): Reply {
    if (path === '/api/v4/user') return { status: 200, body: { id: 1, username: robot } }
    const [, at, rest] = /^\/api\/v4\/projects\/(ops\/shop\/checkout|21|[^/]+\/[^/]+)(?:\/(.*))?$/.exec(path) ?? []
    if (at !== project.path && at !== String(project.id)) return said(404, '404 Project Not Found')
    if (rest === undefined) return { status: 200, body: { ...project, default_branch: this.#state.defaultBranch } }
    if (rest === 'pipeline' && method === 'POST') return this.#create((body ?? {}) as Record<string, unknown>)
    if (rest === 'pipelines') return this.#list(query)
    const [, id, what] = /^pipelines\/(\d+)(?:\/(\w+))?$/.exec(rest) ?? []
    const pipeline = this.#state.pipelines.find((one) => String(one.id) === id)
    if (!pipeline) return said(404, '404 Not found')
    if (what === undefined) return { status: 200, body: this.#shown(pipeline) }
    if (what === 'cancel') return this.#cancel(pipeline)
    if (what === 'variables') {
      return pipeline.by === robot ? { status: 200, body: pipeline.variables } : said(403, '403 Forbidden')
    }
    if (!this.#state.jobsShown) return said(403, '403 Forbidden')
    if (what === 'jobs') return { status: 200, body: this.#jobs(pipeline, query) }
    return { status: 200, body: { total: { ...pipeline.tests, suite_error: null }, test_suites: [] } }
  }

  made(ref: string, variables: Variable[], inputs: Record<string, unknown>): Pipeline {
    const now = new Date().toISOString()
    const { named, pipelines } = this.#state
    return {
      id: 61 + pipelines.length,
      ref,
      source: 'api',
      status: 'created',
      name: named && inputs[named] ? `Deploy ${inputs[named]}` : null,
      by: robot,
      variables,
      inputs,
      created_at: now,
      updated_at: now,
      duration: null,
      coverage: null,
      jobs: [],
      tests: { time: 0, count: 0, success: 0, failed: 0, skipped: 0, error: 0 },
    }
  }

  #create(asked: Record<string, unknown>): Reply {
    if (!this.#state.mayRun) return said(403, '403 Forbidden')
    const {
      ref,
      variables = [],
      inputs = {},
    } = asked as {
      ref?: string
      variables?: Variable[]
      inputs?: Record<string, unknown>
    }
    if (ref === undefined) return { status: 400, body: { error: 'ref is missing' } }
    const wrong = this.#wrong(ref, variables, inputs)
    if (wrong) return said(400, { base: [wrong] })
    const pipeline = this.made(ref, variables, inputs)
    this.#state.pipelines.push(pipeline)
    return { status: 201, body: this.#shown(pipeline) }
  }

  #wrong(ref: string, variables: Variable[], inputs: Record<string, unknown>): string | undefined {
    if (!this.#state.branches.includes(ref)) return 'Reference not found'
    if (variables.length > 0 && !this.#state.variablesAllowed)
      return 'Insufficient permissions to set pipeline variables'
    const unknown = Object.keys(inputs).filter((name) => !this.#state.inputs.includes(name))
    if (unknown.length > 0)
      return `Given inputs not defined in the \`spec\` section of the included configuration file: ${unknown}`
    const why = 'The rules configuration prevented any jobs from being added to the pipeline.'
    return this.#state.empty ? `Pipeline will not run for the selected trigger. ${why}` : undefined
  }

  #list(query: URLSearchParams): Reply {
    const after = Date.parse(query.get('updated_after') ?? '1970-01-01')
    const source = query.get('source')
    const found = this.#state.pipelines
      .filter((one) => Date.parse(one.updated_at) > after && (source === null || one.source === source))
      .sort((one, other) => other.id - one.id)
      .slice(0, Number(query.get('per_page') ?? 20))
    return { status: 200, body: found.map((one) => this.#shown(one)) }
  }

  #cancel(pipeline: Pipeline): Reply {
    if (!this.#state.mayRun) return said(403, '403 Forbidden')
    if (['created', 'pending', 'running', 'manual'].includes(pipeline.status)) pipeline.status = 'canceled'
    return { status: 200, body: this.#shown(pipeline) }
  }

  #jobs({ jobs, id }: Pipeline, query: URLSearchParams) {
    return jobs
      .filter(({ status }) => status === query.get('scope'))
      .map((job, at) => ({
        id: 8_000 + at,
        allow_failure: false,
        pipeline: { id },
        web_url: `${this.#url}/${project.path}/-/jobs/${8_000 + at}`,
        ...job,
      }))
  }

  #shown({ by, variables: _, inputs: __, jobs, tests: ___, ...pipeline }: Pipeline) {
    const warned = pipeline.status === 'success' && jobs.some(({ status }) => status === 'failed')
    return {
      ...pipeline,
      iid: pipeline.id - 40,
      project_id: project.id,
      user: { username: by },
      yaml_errors: null,
      detailed_status: { group: warned ? 'success-with-warnings' : pipeline.status },
      web_url: `${this.#url}/${project.path}/-/pipelines/${pipeline.id}`,
    }
  }
}
