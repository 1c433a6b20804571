import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

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
    if (call.headers['private-token'] !== token) return refuse(401, '401 Unauthorized')
    return createGitlab(state, served.url).answer(call)
  })
  return {
    ...served,
    token,
    state,
    addOf(by) {
      state.pipelines.push({ ...createGitlab(state, served.url).made('main', [], {}), by })
    },
    finish(status, what = {}) {
      Object.assign(state.pipelines.at(-1) ?? {}, { status, duration: 34, ...what })
    },
  }
}

function refuse(status: number, message: unknown): Reply {
  return { status, body: { message } }
}

function createGitlab(state: GitlabCiState, url: string) {
  function answer({ method, path, query, body }: Call): Reply {
    if (path === '/api/v4/user') return ok({ id: 1, username: robot })
    const [, at, rest] = /^\/api\/v4\/projects\/(ops\/shop\/checkout|21|[^/]+\/[^/]+)(?:\/(.*))?$/.exec(path) ?? []
    if (at !== project.path && at !== String(project.id)) return refuse(404, '404 Project Not Found')
    if (rest === undefined) return ok({ ...project, default_branch: state.defaultBranch })
    if (rest === 'pipeline' && method === 'POST') return create((body ?? {}) as Record<string, unknown>)
    if (rest === 'pipelines') return list(query)
    const [, id, what] = /^pipelines\/(\d+)(?:\/(\w+))?$/.exec(rest) ?? []
    const pipeline = state.pipelines.find((one) => String(one.id) === id)
    if (!pipeline) return refuse(404, '404 Not found')
    if (what === undefined) return ok(toResponse(pipeline))
    if (what === 'cancel') return cancel(pipeline)
    if (what === 'variables') {
      return pipeline.by === robot ? ok(pipeline.variables) : refuse(403, '403 Forbidden')
    }
    if (!state.jobsShown) return refuse(403, '403 Forbidden')
    if (what === 'jobs') return ok(listJobs(pipeline, query))
    return ok({ total: { ...pipeline.tests, suite_error: null }, test_suites: [] })
  }

  function made(ref: string, variables: Variable[], inputs: Record<string, unknown>): Pipeline {
    const now = new Date().toISOString()
    const { named, pipelines } = state
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

  function create(asked: Record<string, unknown>): Reply {
    if (!state.mayRun) return refuse(403, '403 Forbidden')
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
    const wrong = findError(ref, variables, inputs)
    if (wrong) return refuse(400, { base: [wrong] })
    const pipeline = made(ref, variables, inputs)
    state.pipelines.push(pipeline)
    return { status: 201, body: toResponse(pipeline) }
  }

  function findError(ref: string, variables: Variable[], inputs: Record<string, unknown>): string | undefined {
    if (!state.branches.includes(ref)) return 'Reference not found'
    if (variables.length > 0 && !state.variablesAllowed) return 'Insufficient permissions to set pipeline variables'
    const unknown = Object.keys(inputs).filter((name) => !state.inputs.includes(name))
    if (unknown.length > 0)
      return `Given inputs not defined in the \`spec\` section of the included configuration file: ${unknown}`
    const why = 'The rules configuration prevented any jobs from being added to the pipeline.'
    return state.empty ? `Pipeline will not run for the selected trigger. ${why}` : undefined
  }

  function list(query: URLSearchParams): Reply {
    const after = Date.parse(query.get('updated_after') ?? '1970-01-01')
    const source = query.get('source')
    const found = state.pipelines
      .filter((one) => Date.parse(one.updated_at) > after && (source === null || one.source === source))
      .sort((one, other) => other.id - one.id)
      .slice(0, Number(query.get('per_page') ?? 20))
    return ok(found.map((one) => toResponse(one)))
  }

  function cancel(pipeline: Pipeline): Reply {
    if (!state.mayRun) return refuse(403, '403 Forbidden')
    if (['created', 'pending', 'running', 'manual'].includes(pipeline.status)) pipeline.status = 'canceled'
    return ok(toResponse(pipeline))
  }

  function listJobs({ jobs, id }: Pipeline, query: URLSearchParams) {
    return jobs
      .filter(({ status }) => status === query.get('scope'))
      .map((job, at) => ({
        id: 8_000 + at,
        allow_failure: false,
        pipeline: { id },
        web_url: `${url}/${project.path}/-/jobs/${8_000 + at}`,
        ...job,
      }))
  }

  function toResponse({ by, variables: _, inputs: __, jobs, tests: ___, ...pipeline }: Pipeline) {
    const warned = pipeline.status === 'success' && jobs.some(({ status }) => status === 'failed')
    return {
      ...pipeline,
      iid: pipeline.id - 40,
      project_id: project.id,
      user: { username: by },
      yaml_errors: null,
      detailed_status: { group: warned ? 'success-with-warnings' : pipeline.status },
      web_url: `${url}/${project.path}/-/pipelines/${pipeline.id}`,
    }
  }

  return { answer, made }
}
