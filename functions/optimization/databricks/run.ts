import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import type { RunStatus, Verdict } from '../../../shared/providers/job.ts'
import { limitOutput, metricsIn, parseOutput } from '../../../shared/providers/run-output.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

export const JOBS_PATH = 'api/2.2/jobs'

/** Databricks guarantees that its 64-bit ids fit into a JavaScript number. */
export const id = z.pipe(z.int(), z.transform(String))
const text = z.nullish(z.string())
const number = z.nullish(z.number())
const progress = {
  state: z.nullish(z.object({ life_cycle_state: text, result_state: text, state_message: text, queue_reason: text })),
  status: z.nullish(
    z.object({ state: text, termination_details: z.nullish(z.object({ code: text, type: text, message: text })) }),
  ),
}
const task = z.object({ run_id: id, task_key: z.string(), attempt_number: number, run_page_url: text, ...progress })
export const jobRun = z.object({
  run_id: id,
  run_page_url: text,
  tasks: z.nullish(z.array(task)),
  ...progress,
  start_time: number,
  end_time: number,
  run_duration: number,
})
type Progress = Pick<z.output<typeof task>, keyof typeof progress>
type Task = z.output<typeof task>
export type JobRun = z.output<typeof jobRun>
const taskOutput = z.object({ notebook_output: z.nullish(z.object({ result: text })), error: text })

/** The states of a run that has ended, in both state models of the API. */
const endStates = ['TERMINATED', 'SKIPPED', 'INTERNAL_ERROR']
/** How long after the end of a run a failed read of its output is retried. */
const MAX_OUTPUT_WAIT_MS = 600_000
const MAX_REASON = 500
const MAX_PROGRESS = 200

export const states: Readonly<Record<string, Verdict>> = {
  BLOCKED: 'running',
  PENDING: 'running',
  QUEUED: 'running',
  RUNNING: 'running',
  TERMINATING: 'running',
  WAITING: 'running',
  WAITING_FOR_RETRY: 'running',
  SUCCESS: 'pass',
  SUCCESS_WITH_FAILURES: 'warning',
  FAILED: 'fail',
  RUN_EXECUTION_ERROR: 'fail',
  // The time limit of the job.
  TIMEDOUT: 'fail',
  CANCELED: 'aborted',
  USER_CANCELED: 'aborted',
  BREAKING_CHANGE: 'errored',
  BUDGET_POLICY_LIMIT_EXCEEDED: 'errored',
  CLOUD_FAILURE: 'errored',
  CLUSTER_ERROR: 'errored',
  CLUSTER_REQUEST_LIMIT_EXCEEDED: 'errored',
  DISABLED: 'errored',
  DRIVER_ERROR: 'errored',
  EXCLUDED: 'errored',
  FEATURE_DISABLED: 'errored',
  INTERNAL_ERROR: 'errored',
  INVALID_CLUSTER_REQUEST: 'errored',
  INVALID_RUN_CONFIGURATION: 'errored',
  LIBRARY_INSTALLATION_ERROR: 'errored',
  MAXIMUM_CONCURRENT_RUNS_REACHED: 'errored',
  MAX_CONCURRENT_RUNS_EXCEEDED: 'errored',
  MAX_JOB_QUEUE_SIZE_EXCEEDED: 'errored',
  MAX_SPARK_CONTEXTS_EXCEEDED: 'errored',
  REPOSITORY_CHECKOUT_FAILED: 'errored',
  RESOURCE_NOT_FOUND: 'errored',
  SKIPPED: 'errored',
  STORAGE_ACCESS_ERROR: 'errored',
  UNAUTHORIZED_ERROR: 'errored',
  UPSTREAM_CANCELED: 'errored',
  UPSTREAM_FAILED: 'errored',
  WORKSPACE_RUN_LIMIT_EXCEEDED: 'errored',
}
/** The states of tasks that did not run because another task failed. */
const consequences = ['DISABLED', 'EXCLUDED', 'SKIPPED', 'UPSTREAM_CANCELED', 'UPSTREAM_FAILED']

/** A terminating run already has the reason of its end, so the reason counts only after the end. */
export function stateOf({ state, status }: Progress): string {
  const current = status?.state ?? state?.life_cycle_state ?? ''
  if (!endStates.includes(current)) return current
  const code = status?.termination_details?.code
  const result = state?.result_state
  // Its code is that of a cancellation.
  if (result === 'TIMEDOUT') return result
  // Databricks adds codes more often than results.
  return [code, result].find((name) => name && Object.hasOwn(states, name)) ?? code ?? result ?? current
}

export function isRunning(state: string): boolean {
  return (states[state] ?? 'running') === 'running'
}

/** Returns the last attempt of each task. The API lists all attempts. */
export function lastAttempts(tasks: Task[]): Task[] {
  const attempts = tasks.toSorted((a, b) => (a.attempt_number ?? 0) - (b.attempt_number ?? 0))
  return [...new Map(attempts.map((task) => [task.task_key, task])).values()]
}

export function progressOf({ state }: JobRun, tasks: Task[]): string | undefined {
  const running = tasks.filter((task) => stateOf(task) === 'RUNNING').map(({ task_key }) => task_key)
  const done = tasks.filter((task) => !isRunning(stateOf(task))).length
  const progress =
    running.length > 0 ? `${done} of ${tasks.length} tasks done, running ${running.join(', ')}` : state?.queue_reason
  return progress ? clipSingleLine(progress, MAX_PROGRESS) : undefined
}

export async function resultsOf(http: Http, run: JobRun, tasks: Task[]): Promise<Partial<RunStatus>> {
  const failing = failingOf(tasks)
  // Several outputs cannot be combined.
  const reported = failing ?? (tasks.length === 1 ? tasks[0] : undefined)
  const { result, error, unread } = reported ? await outputOf(http, reported, run.end_time) : {}
  const output = parseOutput(result)
  const cause = error || (failing && messageOf(failing)) || messageOf(run)
  const reason = [failing && `task ${failing.task_key} failed`, cause].filter(Boolean).join(': ')
  const duration = durationOf(run)
  const type = run.status?.termination_details?.type
  return {
    reason: clipSingleLine([reason, unread].filter(Boolean).join('; '), MAX_REASON) || undefined,
    data: {
      ...duration,
      ...(failing ? { failedTask: failing.task_key } : {}),
      ...(type && type !== 'SUCCESS' ? { terminationType: type } : {}),
      ...(limitOutput(output) === undefined ? {} : { output: limitOutput(output) }),
    },
    links: failing ? linkTo(failing) : {},
    metrics: { ...duration, ...metricsIn(output) },
    // 0 means unknown.
    period: { start: run.start_time || undefined, end: run.end_time || undefined },
  }
}

/** Returns the first task that failed, except those that failed because of another task. */
function failingOf(tasks: Task[]): Task | undefined {
  return tasks.find((task) => {
    const state = stateOf(task)
    return ['fail', 'errored'].includes(states[state] ?? '') && !consequences.includes(state)
  })
}

interface TaskOutput {
  result?: string | undefined
  error?: string | undefined
  unread?: string
}

/** Reads the output of a task. If that is refused, the verdict is still reported; other failures are retried for a while. */
async function outputOf(http: Http, { run_id }: Task, endTime: JobRun['end_time']): Promise<TaskOutput> {
  try {
    const { notebook_output, error } = (
      await http.get(`${JOBS_PATH}/runs/get-output`, { query: { run_id }, schema: taskOutput })
    ).body
    return { result: notebook_output?.result ?? undefined, error: error ?? undefined }
  } catch (error) {
    const waitedMs = Date.now() - (endTime || Date.now())
    if (!(error instanceof Failure) || (error.kind !== 'refused' && waitedMs < MAX_OUTPUT_WAIT_MS)) throw error
    return { unread: `its output cannot be read: ${error.message}` }
  }
}

function messageOf({ state, status }: Progress): string {
  return status?.termination_details?.message || state?.state_message || ''
}

/** Returns the duration of all tasks in seconds. Databricks reports milliseconds, and 0 if it is unknown. */
function durationOf({ run_duration }: JobRun): Record<string, number> {
  return run_duration ? { duration: Math.round(run_duration / 1_000) } : {}
}

function linkTo({ task_key, run_page_url }: Task): Record<string, string> {
  return run_page_url && isWebPage(run_page_url) ? { [`task ${task_key}`]: run_page_url } : {}
}

export function isWebPage(link: string): boolean {
  return /^https?:\/\//.test(link)
}
