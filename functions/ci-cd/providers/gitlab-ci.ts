import * as z from 'zod/mini'
import { Failure, isTransient } from '../../../shared/errors.ts'
import { oneOf, optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  outcomeUnknown,
  type Run,
  type RunStatus,
  type StartJob,
  type StopJob,
  type Verdict,
} from '../../../shared/providers/job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { gitlabApi, gitlabConnection, gitlabProject, projectPath } from '../../../shared/vendors/gitlab.ts'

const connection = z.strictObject({
  ...gitlabConnection,
  target: z._default(
    oneOf(['pipeline'], 'Nothing to set: a project has one pipeline, so no call has to name it'),
    'pipeline',
  ),
  ref: optional(word("Default branch or tag; the project's default branch where left out")),
  parametersAre: z._default(
    oneOf(['variables', 'inputs'], 'What the parameters of a call become: variables of the pipeline, or its inputs'),
    'variables',
  ),
  allowParameters,
  keyInput: optional(
    word(
      'With inputs: the input that takes the key of a call and stands in workflow:name, so that a pipeline is found by it',
    ),
  ),
  manual: z._default(
    oneOf(['wait', 'pass', 'fail'], 'What a pipeline is that a manual job blocks: still running, passed or failed'),
    'wait',
  ),
})
type Connection = z.output<typeof connection>

const described = z.object({ default_branch: z.nullable(z.string()) })
const pipeline = z.object({ id: z.int(), web_url: z.string(), status: z.string(), name: z.nullish(z.string()) })
type Pipeline = z.output<typeof pipeline>
const detailed = z.extend(pipeline, {
  duration: z.nullish(z.number()),
  coverage: z.nullish(z.union([z.string(), z.number()])),
  yaml_errors: z.nullish(z.string()),
  detailed_status: optional(z.object({ group: z.string() })),
})
const variableList = z.array(z.object({ key: z.string(), value: z.string() }))
const jobList = z.array(
  z.object({
    name: z.string(),
    stage: z.string(),
    web_url: z.string(),
    failure_reason: z.nullish(z.string()),
    allow_failure: optional(z.boolean()),
  }),
)
const testSummary = z.object({
  total: z.object({ count: z.int(), success: z.int(), failed: z.int(), skipped: z.int(), error: z.int() }),
})

/** The variable that carries the key of a call. */
const keyVariable = 'WEBHOOKS_KEY'
/** How many of the newest pipelines are looked at for a key; the variables of each are a request of their own. */
const lookedAt = { first: 20, again: 50 }
/** How far back a pipeline of ours is looked for: as long as a repeat is known as one, or as a task may take. */
const remembered = 25 * 3_600_000
const longestTask = 31 * 24 * 3_600_000
/** The variables of a pipeline are shown to who started it, and to maintainers. */
const ofSomebodyElse = [403]
/** Whoever may not look at jobs hears no more than the state. */
const notShown = [403, 404]
/** GitLab's own word for a success in which a job failed that may. */
const withWarnings = 'success-with-warnings'

const naming = { title: 'GitLab CI', noun: 'pipeline' }

const states: Record<string, Verdict> = {
  created: 'running',
  waiting_for_resource: 'running',
  waiting_for_callback: 'running',
  preparing: 'running',
  pending: 'running',
  running: 'running',
  scheduled: 'running',
  manual: 'running',
  canceling: 'running',
  success: 'pass',
  [withWarnings]: 'warning',
  skipped: 'warning',
  failed: 'fail',
  canceled: 'aborted',
}

/**
 * GitLab CI: the pipeline of a project.
 *
 * @see https://docs.gitlab.com/api/pipelines/
 */
export const gitlabCi = defineJobProvider({
  ...naming,
  connection,
  ...gitlabApi,

  states,
  variables: {
    reserved: ['GITLAB_', 'RUNNER_', 'FF_'],
    appliesTo: ({ parametersAre }) => parametersAre === 'variables',
  },

  checkStart(input, connection) {
    resolveProject(input.project, connection, { title: 'GitLab', project: gitlabProject }, true)
    if (input.target !== connection.target)
      throw invalid('target', `must be left out, or be ${connection.target}: a project has no other`)
    const taken = connection.parametersAre === 'inputs' ? connection.keyInput : keyVariable
    if (taken && Object.hasOwn(input.parameters ?? {}, taken))
      throw invalid('parameters', `must not set ${taken}: it takes our key`)
  },

  // The list is read from the database, by who has just written from the one that is written to.
  async find({ http, connection, idempotencyKey: key, isRetry: repeated }, input) {
    const { parametersAre, keyInput } = connection
    if (parametersAre === 'inputs' && !keyInput) return 'unknown'
    const project = input.project ?? ''
    const query = {
      source: 'api',
      order_by: 'id',
      updated_after: new Date(Date.now() - (repeated ? longestTask : remembered)).toISOString(),
      per_page: repeated ? lookedAt.again : lookedAt.first,
    }
    const path = `${projectPath(project)}/pipelines`
    const { body: pipelines } = await http.get(path, { query, schema: z.array(pipeline) })
    for (const one of pipelines) {
      const carries = parametersAre === 'inputs' ? one.name?.includes(key) : await hasVariable(http, path, one, key)
      if (carries) return runOf(project, one)
    }
    return undefined
  },

  async start({ http, connection, idempotencyKey: key, isRetry: repeated }, input) {
    const { project = '', parameters = {} } = input
    const ref = input.ref || connection.ref || (await defaultBranch(http, project))
    const create = async (more: object) => {
      const path = `${projectPath(project)}/pipeline`
      return runOf(project, (await http.post(path, { ref, ...more }, { schema: pipeline })).body)
    }
    const addsOnlyKey = connection.parametersAre === 'variables' && key && Object.keys(parameters).length === 0
    try {
      return await create(parametersOf(connection, input, key))
    } catch (error) {
      if (!addsOnlyKey || !isForbiddenVariable(error)) throw error
    }
    // GitLab started nothing. Without the variable the pipeline can start, but a repeat cannot find it.
    if (repeated) throw outcomeUnknown(naming, 'An earlier attempt may have started it')
    try {
      return await create({})
    } catch (error) {
      if (isTransient(error) && (error as Failure).afterWrite) throw outcomeUnknown(naming, (error as Failure).message)
      throw error
    }
  },

  async getStatus({ http, connection }, { id }) {
    const { project, path } = locate({ id })
    const now = (await http.get(path, { schema: detailed })).body
    const state = now.status === 'success' && now.detailed_status?.group === withWarnings ? withWarnings : now.status
    const sight = { state, run: runOf(project, now) }
    if (state === 'manual') {
      const blocked = { ...sight, verdict: manualVerdicts[connection.manual], progress: 'waiting for a manual job' }
      return connection.manual === 'wait' ? blocked : { ...blocked, reason: 'a manual job blocks it' }
    }
    return isRunning(state) ? sight : { ...sight, ...(await resultsOf(http, path, now)) }
  },

  parseRunId(input) {
    const { project, number } = locate(input)
    return { id: `${project}#${number}` }
  },

  // Answered with 200 whatever becomes of it.
  async stop({ http }, { id }) {
    await http.post(`${locate({ id }).path}/cancel`)
  },
})

/** Whether the project does not let this user set variables of a pipeline. */
function isForbiddenVariable(error: unknown): boolean {
  const { kind, message } = error instanceof Failure ? error : {}
  return kind === 'refused' && message?.includes('Insufficient permissions to set pipeline variables') === true
}

const manualVerdicts: Record<Connection['manual'], Verdict> = { wait: 'running', pass: 'pass', fail: 'fail' }

function isRunning(state: string): boolean {
  return (states[state] ?? 'running') === 'running'
}

function parametersOf({ parametersAre, keyInput }: Connection, { parameters }: StartJob, key: string | undefined) {
  if (parametersAre === 'inputs') {
    // These have types, so they go as they are.
    return { inputs: { ...parameters, ...(keyInput && key ? { [keyInput]: key } : {}) } }
  }
  const texts = { ...toTextParameters(parameters), ...(key ? { [keyVariable]: key } : {}) }
  return { variables: Object.entries(texts).map(([key, value]) => ({ key, value })) }
}

async function hasVariable(http: Http, path: string, { id }: Pipeline, key: string): Promise<boolean> {
  const asked = `${path}/${segment(id)}/variables`
  const { status, body } = await http.get(asked, { accept: ofSomebodyElse, schema: variableList })
  if (ofSomebodyElse.includes(status)) return false
  return body.some((variable) => variable.key === keyVariable && variable.value === key)
}

async function defaultBranch(http: Http, project: string): Promise<string> {
  const { default_branch } = (await http.get(projectPath(project), { schema: described })).body
  if (default_branch !== null) return default_branch
  throw new Failure('refused', `The GitLab project ${project} has no branch yet: there is nothing to run.`)
}

async function resultsOf(http: Http, path: string, now: z.output<typeof detailed>): Promise<Partial<RunStatus>> {
  const { duration, coverage, yaml_errors } = now
  const numbers: Record<string, number> = {
    ...(duration == null ? {} : { duration }),
    ...(coverage == null ? {} : { coverage: Number(coverage) }),
  }
  const tests = await testsOf(http, path)
  const job = now.status === 'failed' ? await failedJobOf(http, path) : undefined
  const why = job?.failure_reason ? ` (${job.failure_reason})` : ''
  return {
    reason: job ? `job "${job.name}" of stage "${job.stage}" failed${why}` : (yaml_errors ?? undefined),
    data: { ...numbers, ...(tests ? { tests } : {}), ...(job ? { failedJob: job.name, failedStage: job.stage } : {}) },
    links: job ? { [`job ${job.name}`]: job.web_url } : {},
    metrics: { ...numbers, ...tests },
  }
}

async function testsOf(http: Http, path: string) {
  const { status, body } = await http.get(`${path}/test_report_summary`, { accept: notShown, schema: testSummary })
  if (notShown.includes(status) || body.total.count === 0) return undefined
  const { count: total, success: passed, failed, error, skipped } = body.total
  return { total, passed, failed: failed + error, skipped }
}

async function failedJobOf(http: Http, path: string) {
  const query = { scope: 'failed', per_page: 100 }
  const { status, body: jobs } = await http.get(`${path}/jobs`, { query, accept: notShown, schema: jobList })
  return notShown.includes(status) ? undefined : jobs.find(({ allow_failure }) => !allow_failure)
}

function runOf(project: string, { id, web_url }: Pipeline): Run {
  return { id: `${project}#${id}`, url: web_url }
}

/** An id is `group/project#61`; a bare number goes with the project. */
function locate({ id, project: given }: StopJob): { project: string; number: string; path: string } {
  const found = /^(?:([^#]+)#|#)?(\d{1,15})$/.exec(id)
  const project = found?.[1] ?? given
  const number = found?.[2]
  if (number && project && gitlabProject.pattern.test(project))
    return { project, number, path: `${projectPath(project)}/pipelines/${segment(number)}` }
  throw invalid('id', `is no pipeline: write it like ${gitlabProject.example}#61, or as a number with input.project`)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
