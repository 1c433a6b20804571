import type { Event, GetDurableExecutionResponse } from '@aws-sdk/client-lambda'
import type { TaskReader } from '../../auth/callers.ts'
import { getExecution, getHistory } from '../../aws/lambda.ts'
import { Failure, serviceUnavailable } from '../../errors.ts'
import { log } from '../../log.ts'
import { verdictOf } from '../../outcome.ts'
import { sleep } from '../../sleep.ts'
import { isMarkedAsEnded } from '../../state/task-ends.ts'
import type { Task } from '../call.ts'
import { taskSchema } from '../task-schema.ts'
import { executionOf, findExecution, type SavedTask, savedTask } from './execution.ts'
import { describeProgress, findWaiting, PROGRESS_EVENTS } from './progress.ts'
import type { TaskResult } from './task-result.ts'
import { startedStatus, type TaskStatus } from './task-status.ts'

/** A task as Lambda reports it. */
export interface TaskExecution {
  status: TaskStatus
  task: Task
  /** Absent unless the execution of the task has succeeded. */
  result?: TaskResult | undefined
  /** The newest events of a running task's history, newest first. Empty if they cannot be read now. */
  events: Event[]
}

interface ReadTaskOptions {
  /** Whether to read the events of a running task, from which its progress is described. */
  withEvents?: boolean
  /** For the request that reads the execution. Defaults to the limit of all requests to Lambda. */
  timeoutMs?: number | undefined
  /** The record of the task in the state table, if it was read. */
  saved?: SavedTask
}

const HISTORY_TIMEOUT_MS = 3_000
const MIN_RETRY_SECONDS = 2
/** People take their time. */
const MIN_PEOPLE_RETRY_SECONDS = 30
/** If the status of a task is known without its execution. */
const EXECUTION_TIMEOUT_MS = 2_000
/** Between two reads of a status that a caller waits for. Lambda allows 30 reads per second in an account. */
const MIN_WAIT_PAUSE_MS = 1_000
const MAX_WAIT_PAUSE_MS = 4_000
const MAX_RETRY_SECONDS = 60

/**
 * Reads a task for a caller. Another caller's task is reported like one that does not exist, unless the caller may read all
 * tasks.
 *
 * @throws Failure `unknown`, `unavailable`
 */
export async function readTaskOf(
  category: string,
  taskId: string,
  caller: TaskReader,
  options?: ReadTaskOptions,
): Promise<TaskExecution> {
  const execution = await readTask(category, taskId, options)
  if (caller.reads !== 'all' && execution.task.caller !== caller.name) throw unknownTask(taskId)
  return execution
}

/**
 * Reads the status of a task for a caller, and waits for its end. Its execution is read once if the state table knows the task: at the
 * end of the task, or of the wait.
 *
 * @param waitMs how long to wait
 * @throws Failure `unknown`, `unavailable`
 */
export async function readTaskStatus(
  category: string,
  taskId: string,
  caller: TaskReader,
  waitMs: number,
): Promise<TaskStatus> {
  const until = performance.now() + waitMs
  const saved = await savedTask(category, taskId)
  const started = startedFor(caller, saved)
  for (let pause = MIN_WAIT_PAUSE_MS; ; pause = started ? pause : Math.min(MAX_WAIT_PAUSE_MS, 2 * pause)) {
    const isLast = performance.now() + pause > until
    const running = started && (await runs(category, taskId)) ? started : undefined
    if (isLast || !running) {
      const options = { withEvents: isLast, saved, ...(running && { timeoutMs: EXECUTION_TIMEOUT_MS }) }
      const status = await orRunning(running, readTaskOf(category, taskId, caller, options))
      if (status.state !== 'running' || isLast) return status
    }
    await sleep(pause)
  }
}

/** Returns the status that a task had at its start, if the state table has it, and the caller may read it. */
function startedFor({ name, reads }: TaskReader, { caller, started }: SavedTask): TaskStatus | undefined {
  return started !== undefined && (reads === 'all' || caller === name) ? JSON.parse(started) : undefined
}

/** Whether a task that marks its end still runs. False if this is not known. */
async function runs(category: string, taskId: string): Promise<boolean> {
  try {
    return !(await isMarkedAsEnded(category, taskId))
  } catch (error) {
    log.warn('end of the task not read', error as Error)
    return false
  }
}

/**
 * Returns the status of a task that is read. If its execution cannot be read now, for example because too many callers wait, it is the status
 * at the start of the task.
 *
 * @param running undefined if the task may have ended
 */
async function orRunning(running: TaskStatus | undefined, read: Promise<TaskExecution>): Promise<TaskStatus> {
  try {
    return (await read).status
  } catch (error) {
    if (running && error instanceof Failure && error.kind === 'unavailable') return running
    throw error
  }
}

/**
 * Reads a task by its id.
 *
 * @throws Failure `unknown`, `unavailable`
 */
export async function readTask(
  category: string,
  taskId: string,
  { withEvents = true, ...options }: ReadTaskOptions = {},
): Promise<TaskExecution> {
  if (!/^[0-9a-f]{40}$/.test(taskId)) throw unknownTask(taskId)
  try {
    const execution = await readExecution(category, taskId, options)
    if (!execution) throw unknownTask(taskId)
    const task = taskSchema.parse(JSON.parse(execution.InputPayload ?? ''))
    const events =
      withEvents && execution.Status === 'RUNNING' ? await readNewestEvents(execution.DurableExecutionArn ?? '') : []
    const result = resultOf(execution)
    return { status: statusOf(task, execution, result, events), task, result, events }
  } catch (error) {
    if (error instanceof Failure) throw error
    throw serviceUnavailable('The status of the task cannot be read now. Try again.', {
      after: 5,
      cause: error,
    })
  }
}

/** Returns the seconds until the next poll makes sense: a tenth of the time that the task has run, and longer if it waits for people. */
export function secondsToNextRead({ acceptedAt, needs }: TaskStatus, now: number): number {
  const elapsed = (now - Date.parse(acceptedAt)) / 1_000
  return Math.max(
    needs ? MIN_PEOPLE_RETRY_SECONDS : MIN_RETRY_SECONDS,
    Math.min(MAX_RETRY_SECONDS, Math.round(elapsed / 10)),
  )
}

async function readExecution(
  category: string,
  taskId: string,
  { timeoutMs, saved }: Pick<ReadTaskOptions, 'timeoutMs' | 'saved'>,
): Promise<GetDurableExecutionResponse | undefined> {
  const arn = await executionOf(category, taskId, saved)
  if (arn === undefined) return undefined
  const execution = await executionIfStored(arn, timeoutMs)
  if (execution) return execution
  // Lambda deletes an execution after its retention. The same event may have started another one since.
  const newer = await findExecution(taskId)
  return newer === undefined || newer === arn ? undefined : executionIfStored(newer)
}

async function executionIfStored(arn: string, timeoutMs?: number): Promise<GetDurableExecutionResponse | undefined> {
  try {
    return await getExecution(arn, timeoutMs === undefined ? {} : { abortSignal: AbortSignal.timeout(timeoutMs) })
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined
    throw error
  }
}

async function readNewestEvents(arn: string): Promise<Event[]> {
  try {
    const { Events = [] } = await getHistory(
      arn,
      { ReverseOrder: 'true', MaxItems: String(PROGRESS_EVENTS) },
      { abortSignal: AbortSignal.timeout(HISTORY_TIMEOUT_MS) },
    )
    return Events
  } catch (error) {
    log.warn('history not read', error as Error)
    return []
  }
}

function resultOf({ Status, Result }: GetDurableExecutionResponse): TaskResult | undefined {
  return Status === 'SUCCEEDED' && Result ? JSON.parse(Result) : undefined
}

function statusOf(
  task: Task,
  execution: GetDurableExecutionResponse,
  result: TaskResult | undefined,
  events: Event[],
): TaskStatus {
  const { Status, StartTimestamp: startedAt, EndTimestamp: endedAt } = execution
  if (!startedAt) throw new Error('Lambda does not report when the execution was started.')
  const { outcome, isCanceled, unanswered } = result ?? {}
  const started = { input: execution.InputPayload, startedAt: startedAt.getTime() }
  return {
    ...startedStatus(task, task.id, started.startedAt),
    state: Status === 'RUNNING' ? 'running' : outcome ? 'finished' : 'failed',
    verdict: Status === 'RUNNING' ? 'running' : outcome ? verdictOf(outcome) : 'errored',
    progress: describeProgress(events, Date.now(), started),
    needs: needsOf(events),
    endedAt: endedAt?.toISOString(),
    outcome,
    isCanceled,
    unanswered,
    rerunOf: task.rerunOf,
  }
}

function needsOf(events: readonly Event[]): TaskStatus['needs'] {
  const { needs: type, detail } = findWaiting(events, undefined) ?? {}
  return type && { type, detail }
}

/** The same message for another caller's task, so that a caller cannot find out whether it exists. */
function unknownTask(taskId: string): Failure {
  return new Failure(
    'unknown',
    `There is no task "${taskId.slice(0, 64)}" that you may read: the id is wrong, another caller started it, or it ended more than 14 days ago.`,
  )
}
