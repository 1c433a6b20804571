import type { Ending, JobRun } from '../sandbox/job-runs.ts'
import type { RunNotification } from '../sandbox/notifications/notifier.ts'
import type { Job } from './routes.ts'

const CREATOR = 'sandbox-bot'
const TASK = 'tune'

/** Even ids are runs of jobs, odd ids are runs of their tasks. */
export const runIdOf = ({ number }: Pick<JobRun, 'number'>): number => 700_000_000 + 2 * number
const taskIdOf = (run: JobRun): number => runIdOf(run) + 1

/** Splits a run id into the number of the run and whether the id belongs to its task. */
export function readRunId(id: number): { number: number; isTask: boolean } {
  const number = id - 700_000_000
  return { number: Math.floor(number / 2), isTask: number % 2 === 1 }
}

export function runPageUrl(root: string, job: Job, run: JobRun): string {
  return `${root}/jobs/${job.job_id}/runs/${runIdOf(run)}`
}

/** @see https://docs.databricks.com/api/workspace/jobs/getrun */
export function runResponse(root: string, job: Job, run: JobRun) {
  return {
    ...common(root, job, run),
    run_id: runIdOf(run),
    run_name: job.name,
    run_type: 'JOB_RUN',
    trigger: 'ONE_TIME',
    format: 'MULTI_TASK',
    tasks: [taskResponse(root, job, run)],
    job_parameters: Object.entries(run.parameters).map(([name, value]) => ({
      name,
      default: job.parameters[name] ?? '',
      value,
    })),
  }
}

/** @see https://docs.databricks.com/api/workspace/jobs/getrunoutput */
export function outputResponse(root: string, job: Job, run: JobRun) {
  const metadata = taskResponse(root, job, run)
  if (run.state === 'failure') {
    const error = 'RuntimeError: all trials failed'
    return { metadata, error, error_trace: `${error}\n\tat cell 7` }
  }
  if (run.state !== 'success' && run.state !== 'nonsense') return { metadata }
  const result = run.state === 'success' ? JSON.stringify(bestConfiguration(run)) : 'See the log for the result.'
  return { metadata, notebook_output: { result, truncated: false } }
}

/** @see https://docs.databricks.com/aws/en/jobs/notifications */
export function runNotification({ job_id, name }: Job, run: JobRun): RunNotification {
  const isLast = run.ended !== null
  const end = run.state === 'success' || run.state === 'nonsense' ? 'success' : 'failure'
  const event = `jobs.on_${isLast ? end : 'start'}`
  const body = {
    event_type: event,
    workspace_id: '1',
    run: { run_id: String(runIdOf(run)) },
    job: { job_id: String(job_id), name },
  }
  return { event, isLast, headers: {}, body }
}

/** Returns the best configuration of the recommender and its accuracy. */
function bestConfiguration({ parameters }: JobRun) {
  return {
    best: { factors: 96, regularization: 0.04, learningRate: 0.012 },
    accuracy: 0.93,
    accuracyBefore: 0.88,
    trials: Number(parameters['trials']) || 0,
  }
}

function taskResponse(root: string, job: Job, run: JobRun) {
  const run_id = taskIdOf(run)
  const notebook_task = { notebook_path: `/Shared/${job.name}`, source: 'WORKSPACE' }
  return { ...common(root, job, run), run_id, task_key: TASK, attempt_number: 0, notebook_task }
}

function common(root: string, job: Job, run: JobRun) {
  const { created, started, ended } = run
  const took = ended === null ? 0 : ended - created
  const worked = ended !== null && started !== null ? ended - started : 0
  return {
    job_id: job.job_id,
    number_in_job: runIdOf(run),
    creator_user_name: CREATOR,
    run_page_url: runPageUrl(root, job, run),
    start_time: created,
    setup_duration: 0,
    execution_duration: worked,
    cleanup_duration: 0,
    end_time: ended ?? 0,
    run_duration: took,
    ...progressOf(run),
  }
}

const ENDINGS: Record<Ending, { result: string; code: string; type: string; message: string }> = {
  success: { result: 'SUCCESS', code: 'SUCCESS', type: 'SUCCESS', message: '' },
  nonsense: { result: 'SUCCESS', code: 'SUCCESS', type: 'SUCCESS', message: '' },
  failure: {
    result: 'FAILED',
    code: 'RUN_EXECUTION_ERROR',
    type: 'CLIENT_ERROR',
    message: 'Workload failed, see run output for details',
  },
  stopped: { result: 'CANCELED', code: 'USER_CANCELED', type: 'SUCCESS', message: `Run cancelled by ${CREATOR}.` },
}

interface Progress {
  state: { life_cycle_state: string; result_state?: string; state_message: string; user_cancelled_or_timedout: boolean }
  status: { state: string; termination_details?: { code: string; type: string; message: string } }
}

/** Returns the deprecated `state`, which Databricks still sends, and the `status` that replaces it. */
function progressOf({ state: current }: JobRun): Progress {
  if (current === 'waiting' || current === 'running') {
    const state = current === 'waiting' ? 'PENDING' : 'RUNNING'
    const deprecated = { life_cycle_state: state, state_message: '', user_cancelled_or_timedout: false }
    return { state: deprecated, status: { state } }
  }
  const { result, message, ...details } = ENDINGS[current === 'stopping' ? 'stopped' : current]
  const state = current === 'stopping' ? 'TERMINATING' : 'TERMINATED'
  const isOver = state === 'TERMINATED'
  return {
    state: {
      life_cycle_state: state,
      ...(isOver ? { result_state: result } : {}),
      state_message: message,
      user_cancelled_or_timedout: result === 'CANCELED',
    },
    status: { state, termination_details: { ...details, message } },
  }
}
