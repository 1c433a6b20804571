import * as z from 'zod/mini'
import { invalidInput, outcomeUnknown, refused } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJob,
  type IdentifiedRun,
  type RunResults,
  type RunSearch,
  searchRuns,
} from '../../../shared/providers/define-job.ts'
import type { StartJob } from '../../../shared/providers/job.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
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

const search: RunSearch<Connection, WorkflowRun> = {
  delaysMs: [0, 500, 1_500, 3_000],
  // Runs are large.
  pageSize: { first: 30, retry: 100 },
  needs: { text: '`keyInput` in the connection', without: { keyInput: undefined } },
  async list({ http, connection }, input, { size }) {
    if (!connection.keyInput) return 'unknown'
    const query = { event: 'workflow_dispatch', exclude_pull_requests: true, per_page: size }
    const { workflow_runs: runs } = (await http.get(`${workflowPath(input)}/runs`, { query, schema: runList })).body
    return { runs, next: runs.length < size ? undefined : '2' }
  },
  hasKey: ({ display_title, name }, { idempotencyKey }) => `${display_title} ${name}`.includes(idempotencyKey),
}

/**
 * GitHub Actions: runs a workflow that has the trigger `workflow_dispatch`.
 *
 * @see https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
 * @see https://docs.github.com/en/rest/actions/workflow-runs
 */
export const githubActions = defineJob({
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

  project: repository,
  runId: {
    pattern: /^[^#]+#\d{1,15}$/,
    description: `a run id such as ${repository.example}#30433642, or a number together with input.project`,
    within: 'project',
  },
  identify: ({ id, html_url }: Pick<WorkflowRun, 'id' | 'html_url'>) => ({ id: String(id), url: html_url }),
  search,

  checkStart(input, connection) {
    const { keyInput } = connection
    const names = Object.keys(input.parameters ?? {})
    if (keyInput && names.includes(keyInput))
      throw invalidInput('input.parameters', `must not contain ${keyInput}: it is reserved for the idempotency key`)
    const max = MAX_INPUTS - (keyInput ? 1 : 0)
    if (names.length > max)
      throw invalidInput('input.parameters', `must have at most ${max} entries (it has ${names.length})`)
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
    if (started) return { id: started.workflow_run_id, html_url: started.html_url }
    const found =
      keyInput && hasIdempotencyKey(client) ? await searchRuns(search, client, input, search.delaysMs) : undefined
    if (found && found !== 'unknown') return found
    throw outcomeUnknown(
      `GitHub accepted the start of ${input.target} but did not return the run, and lists no run with the idempotency key. Check GitHub before you repeat the call.`,
    )
  },

  async getStatus({ http }, { parent, localId }) {
    const path = runPath({ parent, localId })
    const run = (await http.get(path, { schema: workflowRun })).body
    return {
      state: [run.status, run.conclusion].filter(Boolean).join('/'),
      progress: run.status === 'waiting' ? 'waiting for the approval of an environment' : undefined,
      run,
      results: () => resultsOf(http, path, run),
    }
  },

  // Not force-cancel: that would skip the cleanup steps of the workflow.
  async stop({ http }, run) {
    await http.post(`${runPath(run)}/cancel`)
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

async function resultsOf(http: Http, path: string, run: WorkflowRun): Promise<RunResults> {
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

function runPath({ parent, localId }: Pick<IdentifiedRun, 'parent' | 'localId'>): string {
  return `${repositoryPath(parent)}/actions/runs/${segment(localId)}`
}

/** The API expects the file name. Callers may also give its path in the repository. */
function workflowPath({ project = '', target }: StartJob): string {
  return `${repositoryPath(project)}/actions/workflows/${segment(target.replace(/^\.github\/workflows\//, ''))}`
}
