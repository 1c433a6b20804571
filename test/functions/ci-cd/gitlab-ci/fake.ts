import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { refuse, refuseOtherProjects } from '../../../platforms/gitlab.ts'

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
  started_at: string | null
  finished_at: string | null
  duration: number | null
  coverage: string | null
  jobs: Job[]
  tests: { time: number; count: number; success: number; failed: number; skipped: number; error: number }
  web_url: string
}

type State = ReturnType<typeof initial>

interface Input {
  ref?: string
  variables?: Variable[]
  inputs?: Record<string, unknown>
}

/** A job waited for six seconds. */
const TIMES = { started_at: '2026-11-27T10:00:00.000Z', finished_at: '2026-11-27T10:00:40.000Z' }
const TOKEN = 'glpat-a-token-of-gitlab-ci'
const PROJECT = { id: 21, path: 'ops/shop/checkout' }
const ROBOT = 'robot'
const FORBIDDEN = refuse(403, '403 Forbidden')
const checkToken = requireHeader('private-token', TOKEN, refuse(401, '401 Unauthorized'))
const NO_JOBS =
  'Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from being added to the pipeline.'

const initial = () => ({
  pipelines: [] as Pipeline[],
  branches: ['main', 'release/1.2'],
  defaultBranch: 'main' as string | null,
  /** The inputs of the pipeline. */
  inputs: ['replicas', 'key'],
  /** The input that the name of the pipeline contains. */
  named: 'key' as string | undefined,
  /** The user can set variables of the pipeline. */
  variablesAllowed: true,
  /** The user can see the jobs of pipelines. */
  jobsShown: true,
  mayRun: true,
  /** The rules of the pipeline exclude all jobs. */
  empty: false,
})

/**
 * A fake of GitLab's API of pipelines, with one project.
 *
 * @see https://docs.gitlab.com/api/pipelines/
 */
const startGitlabCi = definePlatform({
  base: '/api/v4',
  state: initial,
  refuses: (call) => checkToken(call) ?? refuseOtherProjects(call, PROJECT),
  routes: {
    'GET /user': () => ({ id: 1, username: ROBOT }),
    'GET /projects/{project}': ({ state }) => ({ ...PROJECT, default_branch: state.defaultBranch }),
    'POST /projects/{project}/pipeline': ({ state, body, headers }) => create(state, body, `http://${headers.host}`),
    'GET /projects/{project}/pipelines': ({ state, query }) => list(state, query).map(toResponse),
    'GET /projects/{project}/pipelines/{id}': ({ state, params }) => withPipeline(state, params, toResponse),
    'POST /projects/{project}/pipelines/{id}/cancel': ({ state, params }) =>
      withPipeline(state, params, (pipeline) => {
        if (!state.mayRun) return FORBIDDEN
        if (['created', 'pending', 'running', 'manual'].includes(pipeline.status)) pipeline.status = 'canceled'
        return toResponse(pipeline)
      }),
    'GET /projects/{project}/pipelines/{id}/variables': ({ state, params }) =>
      withPipeline(state, params, ({ by, variables }) => (by === ROBOT ? variables : FORBIDDEN)),
    'GET /projects/{project}/pipelines/{id}/jobs': ({ state, params, query }) =>
      withPipeline(state, params, (pipeline) => (state.jobsShown ? listJobs(pipeline, query.get('scope')) : FORBIDDEN)),
    'GET /projects/{project}/pipelines/{id}/test_report_summary': ({ state, params }) =>
      withPipeline(state, params, ({ tests }) =>
        state.jobsShown ? { total: { ...tests, suite_error: null }, test_suites: [] } : FORBIDDEN,
      ),
  },
  notFound: refuse(404, '404 Not found'),
  members: (state, { url }) => ({
    token: TOKEN,
    /** Adds a pipeline of another user. */
    addOf(by: string) {
      state.pipelines.push({ ...newPipeline(state, { ref: 'main' }, url), by })
    },
    /** Completes the newest pipeline. */
    finish(status: string, fields: Partial<Pipeline> = {}) {
      Object.assign(state.pipelines.at(-1) ?? {}, { status, ...TIMES, duration: 34, ...fields })
    },
  }),
})

function withPipeline({ pipelines }: State, params: { id: string }, respond: (pipeline: Pipeline) => object): object {
  const pipeline = pipelines.find(({ id }) => String(id) === params.id)
  return pipeline ? respond(pipeline) : refuse(404, '404 Not found')
}

function newPipeline(
  { named, pipelines }: State,
  { ref = '', variables = [], inputs = {} }: Input,
  url: string,
): Pipeline {
  const id = 61 + pipelines.length
  const now = new Date().toISOString()
  return {
    id,
    ref,
    source: 'api',
    status: 'created',
    name: named && inputs[named] ? `Deploy ${inputs[named]}` : null,
    by: ROBOT,
    variables,
    inputs,
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: null,
    duration: null,
    coverage: null,
    jobs: [],
    tests: { time: 0, count: 0, success: 0, failed: 0, skipped: 0, error: 0 },
    web_url: `${url}/${PROJECT.path}/-/pipelines/${id}`,
  }
}

function create(state: State, input: Input, url: string): Reply {
  if (!state.mayRun) return FORBIDDEN
  if (input.ref === undefined) return { status: 400, body: { error: 'ref is missing' } }
  const error = findError(state, input)
  if (error) return refuse(400, { base: [error] })
  const pipeline = newPipeline(state, input, url)
  state.pipelines.push(pipeline)
  return { status: 201, body: toResponse(pipeline) }
}

function findError(state: State, { ref = '', variables = [], inputs = {} }: Input): string | undefined {
  if (!state.branches.includes(ref)) return 'Reference not found'
  if (variables.length > 0 && !state.variablesAllowed) return 'Insufficient permissions to set pipeline variables'
  const unknown = Object.keys(inputs).filter((name) => !state.inputs.includes(name))
  if (unknown.length > 0)
    return `Given inputs not defined in the \`spec\` section of the included configuration file: ${unknown}`
  return state.empty ? NO_JOBS : undefined
}

function list({ pipelines }: State, query: URLSearchParams): Pipeline[] {
  const after = Date.parse(query.get('updated_after') ?? '1970-01-01')
  const source = query.get('source')
  return pipelines
    .filter((pipeline) => Date.parse(pipeline.updated_at) > after && (source === null || pipeline.source === source))
    .sort((a, b) => b.id - a.id)
    .slice(0, Number(query.get('per_page') ?? 20))
}

function listJobs({ jobs, id, web_url }: Pipeline, status: string | null): object[] {
  return jobs
    .filter((job) => job.status === status)
    .map((job, index) => ({
      id: 8_000 + index,
      allow_failure: false,
      pipeline: { id },
      web_url: web_url.replace(/pipelines\/\d+$/, `jobs/${8_000 + index}`),
      ...job,
    }))
}

function toResponse({ by, variables: _, inputs: __, jobs, tests: ___, ...pipeline }: Pipeline) {
  const hasWarnings = pipeline.status === 'success' && jobs.some(({ status }) => status === 'failed')
  return {
    ...pipeline,
    iid: pipeline.id - 40,
    project_id: PROJECT.id,
    user: { username: by },
    yaml_errors: null,
    detailed_status: { group: hasWarnings ? 'success-with-warnings' : pipeline.status },
  }
}

export const jobRow = {
  starts: /^POST .*\/pipeline$/,
  start: startWith(startGitlabCi, ({ url: baseUrl, token, state, finish }) => {
    const project = 'ops/shop/checkout'
    const enter = (status: string) => {
      if (['success', 'skipped', 'failed', 'canceled'].includes(status)) finish(status)
      else Object.assign(state.pipelines.at(-1) ?? {}, { status })
    }
    return {
      connection: { baseUrl, token },
      input: { project },
      ...runsIn(() => state.pipelines.map((run) => [`${project}#${run.id}`, run.status === 'canceled'])),
      ...stages(enter, 'running', 'success'),
    }
  }),
} satisfies JobRow
