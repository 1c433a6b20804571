import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  type StopJob,
} from '../../../shared/providers/job.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { sleep } from '../../../shared/sleep.ts'
import { githubApi, githubConnection, repository } from '../../../shared/vendors/github.ts'

const connection = z.strictObject({
  ...githubConnection,
  target: optional(word('Default workflow: the name of its file, such as deploy.yml, or its id')),
  ref: optional(word("Default branch or tag; the repository's default branch where left out")),
  keyInput: optional(
    word(
      'The input of the workflow that takes the key of a call and stands in its run-name, so that a run is found by it',
    ),
  ),
})
type Connection = z.output<typeof connection>

const described = z.object({ default_branch: z.string() })
/** Nothing where the server does not tell which run it has started. */
const dispatched = optional(z.object({ workflow_run_id: z.int(), html_url: z.string() }))
const workflowRun = z.object({
  id: z.int(),
  html_url: z.string(),
  status: z.nullable(z.string()),
  conclusion: z.nullish(z.string()),
  name: z.nullish(z.string()),
  display_title: z.string(),
  run_attempt: optional(z.int()),
  run_started_at: optional(z.string()),
  updated_at: z.string(),
})
type WorkflowRun = z.output<typeof workflowRun>
const runList = z.object({ workflow_runs: z.array(workflowRun) })
const job = z.object({
  name: z.string(),
  html_url: z.nullish(z.string()),
  conclusion: z.nullish(z.string()),
  steps: optional(z.array(z.object({ name: z.string(), conclusion: z.nullish(z.string()) }))),
})
type Job = z.output<typeof job>
const jobList = z.object({ jobs: z.array(job) })

const mostInputs = 25
const perPage = 100
/** How many of the newest runs are looked at for a key: each is a large thing. */
const lookedAt = { first: 30, again: 100 }
/** A new run is listed after a while only: the pauses before we look for it, in milliseconds. */
const looks = [0, 500, 1_500, 3_000]
const project = { title: 'GitHub', project: repository }

/**
 * GitHub Actions: a run of a workflow that has the trigger `workflow_dispatch`.
 *
 * @see https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
 * @see https://docs.github.com/en/rest/actions/workflow-runs
 */
export const githubActions = defineJobProvider({
  title: 'GitHub Actions',
  noun: 'run',
  connection,
  ...githubApi,

  states: {
    requested: 'running',
    queued: 'running',
    pending: 'running',
    waiting: 'running',
    in_progress: 'running',
    'completed/success': 'pass',
    'completed/neutral': 'warning',
    'completed/skipped': 'warning',
    'completed/failure': 'fail',
    'completed/timed_out': 'fail',
    'completed/cancelled': 'aborted',
    'completed/startup_failure': 'errored',
    'completed/action_required': 'errored',
    'completed/stale': 'errored',
  },

  checkStart(input, connection) {
    resolveProject(input.project, connection, project, true)
    const { keyInput } = connection
    const names = Object.keys(input.parameters ?? {})
    if (keyInput && names.includes(keyInput)) throw invalid('parameters', `must not set ${keyInput}: it takes our key`)
    const most = mostInputs - (keyInput ? 1 : 0)
    if (names.length > most)
      throw invalid('parameters', `has ${names.length} entries: a workflow takes ${most} of ours`)
  },

  async find(client, input) {
    const { keyInput } = client.connection
    return keyInput ? findRun(client, input, client.isRetry ? looks : [0]) : 'unknown'
  },

  async start(client, input) {
    const { http, connection, idempotencyKey: key } = client
    const path = `${workflowPath(input)}/dispatches`
    const { keyInput } = connection
    const body = {
      ref: input.ref || connection.ref || (await defaultBranch(http, input)),
      inputs: { ...toTextParameters(input.parameters), ...(keyInput && key ? { [keyInput]: key } : {}) },
    }
    const started = (await dispatch(client, path, body)).body
    if (started) return runOf(input.project, { id: started.workflow_run_id, html_url: started.html_url })
    const found = keyInput && hasKey(client) ? await findRun(client, input, looks) : undefined
    if (found) return found
    throw new Failure(
      'doubtful',
      `GitHub has taken the start of ${input.target}, but does not say which run that is, and none is listed with our key: look there before you repeat it.`,
    )
  },

  async getStatus({ http }, { id }) {
    const { repo, path } = locate({ id })
    const run = (await http.get(path, { schema: workflowRun })).body
    const state = [run.status, run.conclusion].filter(Boolean).join('/')
    return {
      state,
      progress: run.status === 'waiting' ? 'waiting for the approval of an environment' : undefined,
      run: runOf(repo, run),
      ...(run.status === 'completed' ? await resultsOf(http, path, run) : {}),
    }
  },

  parseRunId(input) {
    const { repo, number } = locate(input)
    return { id: `${repo}#${number}` }
  },

  // Not by force: that would leave out the steps of a workflow that clean up.
  async stop({ http }, { id }) {
    const { path } = locate({ id })
    try {
      await http.post(`${path}/cancel`)
    } catch (error) {
      // 409 for a run that has come to its end in the meantime.
      const refused = error instanceof Failure && error.kind === 'refused'
      if (refused && (await http.get(path, { schema: workflowRun })).body.status === 'completed') return
      throw error
    }
  },
})

/**
 * Starts the workflow, and asks which run that is. Servers up to 3.20 refuse to be asked; there the run must be found by
 * its key, so nothing is started where it could not be.
 *
 * @see https://github.blog/changelog/2026-02-19-workflow-dispatch-api-now-returns-run-ids/
 */
async function dispatch({ http, connection, idempotencyKey }: Client<Connection>, path: string, body: object) {
  try {
    return await http.post(path, { ...body, return_run_details: true }, { schema: dispatched })
  } catch (error) {
    const unknown = error instanceof Failure && error.kind === 'refused' && error.message.includes('return_run_details')
    if (!unknown) throw error
  }
  if (connection.keyInput && idempotencyKey) return http.post(path, body, { schema: dispatched })
  throw new Failure(
    'refused',
    'This GitHub server does not say which run it starts, so it was not started: set keyInput in the connection, and send the id of the event.',
  )
}

/** The run whose name has the key of the call in it. */
async function findRun(
  { http, idempotencyKey, isRetry }: Client & { idempotencyKey: string },
  input: StartJob,
  pauses: readonly number[],
): Promise<Run | undefined> {
  const per_page = isRetry ? lookedAt.again : lookedAt.first
  const query = { event: 'workflow_dispatch', exclude_pull_requests: true, per_page }
  for (const pause of pauses) {
    await sleep(pause)
    const { workflow_runs: runs } = (await http.get(`${workflowPath(input)}/runs`, { query, schema: runList })).body
    const found = runs.find(({ display_title, name }) => `${display_title} ${name}`.includes(idempotencyKey))
    if (found) return runOf(input.project, found)
  }
  return undefined
}

async function resultsOf(http: Http, path: string, run: WorkflowRun): Promise<Partial<RunStatus>> {
  const { run_attempt: attempt = 1, run_started_at: begun, updated_at: ended } = run
  const metrics: Record<string, number> =
    begun === undefined ? {} : { duration: Math.round((Date.parse(ended) - Date.parse(begun)) / 1_000) }
  const data = { ...metrics, ...(attempt > 1 ? { attempt } : {}) }
  const job = hasFailed(run) ? await failedJobOf(http, path) : undefined
  const period = { start: begun, end: ended }
  if (!job) return { data, metrics, period }
  const step = job.steps?.find(hasFailed)
  const how = job.conclusion === 'timed_out' ? 'timed out' : 'failed'
  return {
    reason: `job "${job.name}" ${how}${step ? ` at step "${step.name}"` : ''}`,
    data: { ...data, failedJob: job.name, ...(step ? { failedStep: step.name } : {}) },
    links: job.html_url ? { [`job ${job.name}`]: job.html_url } : {},
    metrics,
    period,
  }
}

/** The first that failed; a matrix may have more jobs than a page shows. */
async function failedJobOf(http: Http, path: string): Promise<Job | undefined> {
  for (let page = 1; ; page++) {
    const { jobs } = (await http.get(`${path}/jobs`, { query: { per_page: perPage, page }, schema: jobList })).body
    const found = jobs.find(hasFailed)
    if (found || jobs.length < perPage) return found
  }
}

function hasFailed({ conclusion }: { conclusion?: string | null | undefined }): boolean {
  return conclusion === 'failure' || conclusion === 'timed_out'
}

async function defaultBranch(http: Http, { project }: StartJob): Promise<string> {
  return (await http.get(repoPath(project), { schema: described })).body.default_branch
}

function hasKey(client: Client<Connection>): client is Client<Connection> & { idempotencyKey: string } {
  return client.idempotencyKey !== undefined
}

function runOf(repo: string | undefined, { id, html_url }: Pick<WorkflowRun, 'id' | 'html_url'>): Run {
  return { id: `${repo}#${id}`, url: html_url }
}

/** An id is `owner/repo#30433642`; a bare number goes with the project. */
function locate({ id, project: given }: StopJob): { repo: string; number: string; path: string } {
  const found = /^(?:([^#]+)#|#)?(\d{1,15})$/.exec(id)
  const repo = found?.[1] ?? given
  const number = found?.[2]
  if (number && repo && repository.pattern.test(repo))
    return { repo, number, path: `${repoPath(repo)}/actions/runs/${segment(number)}` }
  throw invalid('id', `is no run: write it like ${repository.example}#30433642, or as a number with input.project`)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}

/** The API takes the name of the file, people also write its path. */
function workflowPath({ project, target }: StartJob): string {
  return `${repoPath(project)}/actions/workflows/${segment(target.replace(/^\.github\/workflows\//, ''))}`
}

function repoPath(project: string | undefined): string {
  const [owner = '', repo = ''] = (project ?? '').split('/')
  return `repos/${segment(owner)}/${segment(repo)}`
}
