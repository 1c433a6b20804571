import * as z from 'zod/mini'
import { invalidInput, outcomeUnknown, refused } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  type StopJob,
} from '../../../shared/providers/job.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { sleep } from '../../../shared/sleep.ts'
import { repository, repositoryPath } from '../../../shared/vendors/clients/github.ts'
import { githubApi, githubConnection } from '../../../shared/vendors/github.ts'

const connection = z.strictObject({
  ...githubConnection,
  target: optional(word('Default workflow, by file name (deploy.yml) or id')),
  ref: optional(word("Default branch or tag. Defaults to the repository's default branch")),
  keyInput: optional(
    word(
      'Workflow input that receives the idempotency key and is part of run-name, so that a retry can find the run. Every workflow of this connection must have it',
    ),
  ),
})
type Connection = z.output<typeof connection>

const repositoryDetails = z.object({ default_branch: z.string() })
/** Older servers return no body. */
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

const MAX_INPUTS = 25
const JOBS_PER_PAGE = 100
/** Number of recent runs to search for a key. Runs are large. */
const PAGE_SIZE = { first: 30, retry: 100 }
/** Delays before each search: GitHub lists a new run late. */
const FIND_DELAYS_MS = [0, 500, 1_500, 3_000]

/**
 * GitHub Actions: runs a workflow that has the trigger `workflow_dispatch`.
 *
 * @see https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
 * @see https://docs.github.com/en/rest/actions/workflow-runs
 */
export const githubActions = defineJobProvider({
  title: 'GitHub Actions',
  noun: 'run',
  notifiedBy: { type: 'github', wakeId: ({ id }) => id.split('#')[1] },
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
    resolveProject(input.project, connection, { title: 'GitHub', project: repository }, true)
    const { keyInput } = connection
    const names = Object.keys(input.parameters ?? {})
    if (keyInput && names.includes(keyInput))
      throw invalidInput('input.parameters', `must not contain ${keyInput}: it is reserved for the idempotency key`)
    const max = MAX_INPUTS - (keyInput ? 1 : 0)
    if (names.length > max)
      throw invalidInput('input.parameters', `must have at most ${max} entries (it has ${names.length})`)
  },

  async find(client, input) {
    const { keyInput } = client.connection
    return keyInput ? findRun(client, input, client.isRetry ? FIND_DELAYS_MS : [0]) : 'unknown'
  },

  async start(client, input) {
    const { http, connection, idempotencyKey } = client
    const path = `${workflowPath(input)}/dispatches`
    const { keyInput } = connection
    const body = {
      ref: input.ref || connection.ref || (await defaultBranch(http, input)),
      inputs: {
        ...toTextParameters(input.parameters),
        ...(keyInput && idempotencyKey ? { [keyInput]: idempotencyKey } : {}),
      },
    }
    const started = (await dispatch(client, path, body)).body
    if (started) return runOf(input.project, { id: started.workflow_run_id, html_url: started.html_url })
    const found = keyInput && hasIdempotencyKey(client) ? await findRun(client, input, FIND_DELAYS_MS) : undefined
    if (found && found !== 'unknown') return found
    throw outcomeUnknown(
      `GitHub accepted the start of ${input.target} but did not return the run, and lists no run with the idempotency key. Check GitHub before you repeat the call.`,
    )
  },

  async getStatus({ http }, { id }) {
    const { repo, path } = parseId({ id })
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
    const { repo, number } = parseId(input)
    return { id: `${repo}#${number}` }
  },

  // Not force-cancel: that would skip the cleanup steps of the workflow.
  async stop({ http }, { id }) {
    await http.post(`${parseId({ id }).path}/cancel`)
  },
})

/**
 * Starts the workflow and requests the run in the response. Servers up to 3.20 reject that parameter. There, only the key can
 * identify the run, so without a key nothing is started.
 *
 * @see https://github.blog/changelog/2026-02-19-workflow-dispatch-api-now-returns-run-ids/
 */
async function dispatch({ http, connection, idempotencyKey }: Client<Connection>, path: string, body: object) {
  try {
    return await http.post(path, { ...body, return_run_details: true }, { schema: dispatched })
  } catch (error) {
    if (!isRefusedBecause(error, 'return_run_details')) throw error
  }
  if (connection.keyInput && idempotencyKey) return http.post(path, body, { schema: dispatched })
  throw refused(
    'This GitHub server does not return the run that it starts, so nothing was started. Set keyInput in the connection, and send an event id.',
  )
}

/** Returns the run whose name contains the idempotency key. */
async function findRun(
  { http, idempotencyKey, isRetry }: Client & { idempotencyKey: string },
  input: StartJob,
  delaysMs: readonly number[],
): Promise<Run | undefined | 'unknown'> {
  let isComplete = true
  const per_page = isRetry ? PAGE_SIZE.retry : PAGE_SIZE.first
  const query = { event: 'workflow_dispatch', exclude_pull_requests: true, per_page }
  for (const delay of delaysMs) {
    await sleep(delay)
    const { workflow_runs: runs } = (await http.get(`${workflowPath(input)}/runs`, { query, schema: runList })).body
    const found = runs.find(({ display_title, name }) => `${display_title} ${name}`.includes(idempotencyKey))
    if (found) return runOf(input.project, found)
    isComplete = runs.length < PAGE_SIZE.retry
  }
  return isRetry && !isComplete ? 'unknown' : undefined
}

async function resultsOf(http: Http, path: string, run: WorkflowRun): Promise<Partial<RunStatus>> {
  const { run_attempt: attempt = 1, run_started_at: started, updated_at: ended } = run
  const data = attempt > 1 ? { attempt } : {}
  const job = hasFailed(run) ? await failedJobOf(http, path) : undefined
  const period = { start: started, end: ended }
  if (!job) return { data, period }
  const step = job.steps?.find(hasFailed)
  const verb = job.conclusion === 'timed_out' ? 'timed out' : 'failed'
  return {
    reason: `job "${job.name}" ${verb}${step ? ` at step "${step.name}"` : ''}`,
    data: { ...data, failedJob: job.name, ...(step ? { failedStep: step.name } : {}) },
    links: job.html_url ? { [`job ${job.name}`]: job.html_url } : {},
    period,
  }
}

/** Returns the first failed job. A matrix can have more jobs than a page. */
async function failedJobOf(http: Http, path: string): Promise<Job | undefined> {
  for (let page = 1; ; page++) {
    const query = { per_page: JOBS_PER_PAGE, page }
    const { jobs } = (await http.get(`${path}/jobs`, { query, schema: jobList })).body
    const found = jobs.find(hasFailed)
    if (found || jobs.length < JOBS_PER_PAGE) return found
  }
}

function hasFailed({ conclusion }: { conclusion?: string | null | undefined }): boolean {
  return conclusion === 'failure' || conclusion === 'timed_out'
}

async function defaultBranch(http: Http, { project = '' }: StartJob): Promise<string> {
  return (await http.get(repositoryPath(project), { schema: repositoryDetails })).body.default_branch
}

function runOf(repo: string | undefined, { id, html_url }: Pick<WorkflowRun, 'id' | 'html_url'>): Run {
  return { id: `${repo}#${id}`, url: html_url }
}

/** An id is `owner/repo#30433642`. A number alone requires a project. */
function parseId({ id, project: inputProject }: StopJob): { repo: string; number: string; path: string } {
  const found = /^(?:([^#]+)#|#)?(\d{1,15})$/.exec(id)
  const repo = found?.[1] ?? inputProject
  const number = found?.[2]
  if (number && repo && repository.pattern.test(repo))
    return { repo, number, path: `${repositoryPath(repo)}/actions/runs/${segment(number)}` }
  throw invalidInput(
    'input.id',
    `must be a run id such as ${repository.example}#30433642, or a number together with input.project`,
  )
}

/** The API expects the file name. Callers may also give its path in the repository. */
function workflowPath({ project = '', target }: StartJob): string {
  return `${repositoryPath(project)}/actions/workflows/${segment(target.replace(/^\.github\/workflows\//, ''))}`
}
