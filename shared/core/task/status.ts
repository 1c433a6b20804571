import type { Event, GetDurableExecutionResponse } from '@aws-sdk/client-lambda'
import type { Caller } from '../../auth/callers.ts'
import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import { executionOf, findExecution } from './execution.ts'
import { type TaskPayload, taskPayload } from './payload.ts'
import { describeProgress, PROGRESS_EVENTS } from './progress.ts'

/** The state of a task, for callers that poll. */
export interface TaskStatus {
  taskId: string
  category: string
  action: string
  /** `failed`: Lambda ended it, and the finisher answers in its stead. */
  state: 'running' | 'finished' | 'failed'
  /** How it stands, in one word. */
  verdict: 'running' | 'pass' | 'warning' | 'fail' | 'errored' | 'aborted'
  /** What a running task waits for, for people; empty if it waits for nothing. */
  progress: string
  acceptedAt: string
  /** When it gives up. */
  deadlineAt: string
  endedAt?: string
  outcome?: Outcome
}

/** A task as Lambda knows it. */
export interface Task {
  status: TaskStatus
  payload: TaskPayload
  /** Of its history, newest first; none if it has ended or cannot be read now. */
  events: Event[]
}

const HISTORY_TIMEOUT_MS = 3_000
const MIN_RETRY_SECONDS = 2
const MAX_RETRY_SECONDS = 60

/**
 * Reads the state of a task for a caller. A task of another caller is as unknown as one that does not exist, unless the
 * caller may read all.
 *
 * @throws Failure `unknown`, `unavailable`
 */
export async function readTaskStatus(category: string, taskId: string, caller: Caller): Promise<TaskStatus> {
  const { status, payload } = await readTask(category, taskId)
  if (caller.reads !== 'all' && payload.caller !== caller.name) throw unknownTask(taskId)
  return status
}

/**
 * Reads a task by its id.
 *
 * @throws Failure `unknown`, `unavailable`
 */
export async function readTask(category: string, taskId: string): Promise<Task> {
  if (!/^[0-9a-f]{40}$/.test(taskId)) throw unknownTask(taskId)
  try {
    const execution = await readExecution(category, taskId)
    if (!execution) throw unknownTask(taskId)
    const payload = taskPayload.parse(JSON.parse(execution.InputPayload ?? ''))
    const events = execution.Status === 'RUNNING' ? await readNewestEvents(execution.DurableExecutionArn) : []
    return { status: statusOf(payload, execution, events), payload, events }
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('unavailable', 'The state of the task cannot be read now: try again.', {
      retryAfter: 5,
      cause: error,
    })
  }
}

/** Returns after how many seconds it is worth to ask again: a tenth of the time that the task has run. */
export function secondsToRetry({ acceptedAt }: TaskStatus, now: number): number {
  const elapsed = (now - Date.parse(acceptedAt)) / 1_000
  return Math.max(MIN_RETRY_SECONDS, Math.min(MAX_RETRY_SECONDS, Math.round(elapsed / 10)))
}

async function readExecution(category: string, taskId: string): Promise<GetDurableExecutionResponse | undefined> {
  const arn = await executionOf(category, taskId)
  if (arn === undefined) return undefined
  const found = await getExecution(arn)
  if (found) return found
  // The noted execution was forgotten after its retention; the same event may have started another one since.
  const other = await findExecution(taskId)
  return other === undefined || other === arn ? undefined : getExecution(other)
}

async function getExecution(DurableExecutionArn: string): Promise<GetDurableExecutionResponse | undefined> {
  const { GetDurableExecutionCommand, lambda } = await import('../../aws/lambda.ts')
  try {
    return await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }))
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined
    throw error
  }
}

async function readNewestEvents(DurableExecutionArn: string | undefined): Promise<Event[]> {
  const { GetDurableExecutionHistoryCommand, lambda } = await import('../../aws/lambda.ts')
  try {
    const { Events = [] } = await lambda.send(
      new GetDurableExecutionHistoryCommand({
        DurableExecutionArn,
        ReverseOrder: true,
        MaxItems: PROGRESS_EVENTS,
        IncludeExecutionData: true,
      }),
      { abortSignal: AbortSignal.timeout(HISTORY_TIMEOUT_MS) },
    )
    return Events
  } catch (error) {
    log.warn('the history of a task could not be read', error as Error)
    return []
  }
}

function statusOf(payload: TaskPayload, execution: GetDurableExecutionResponse, events: Event[]): TaskStatus {
  const { Status, StartTimestamp: startedAt, EndTimestamp: endedAt, Result } = execution
  if (!startedAt) throw new Error('Lambda does not say when the execution was started.')
  const outcome = Status === 'SUCCEEDED' && Result ? (JSON.parse(Result) as { outcome: Outcome }).outcome : undefined
  const { taskId, category, action, deadline } = payload
  const deadlineAt = startedAt.getTime() + deadline * 1_000
  return {
    taskId,
    category,
    action,
    state: Status === 'RUNNING' ? 'running' : outcome ? 'finished' : 'failed',
    verdict: Status === 'RUNNING' ? 'running' : outcome ? verdictOf(outcome) : 'errored',
    progress: describeProgress(events, Date.now(), deadlineAt),
    acceptedAt: startedAt.toISOString(),
    deadlineAt: new Date(deadlineAt).toISOString(),
    ...(endedAt ? { endedAt: endedAt.toISOString() } : {}),
    ...(outcome ? { outcome } : {}),
  }
}

function verdictOf({ status, result }: Outcome): TaskStatus['verdict'] {
  return status === 'succeeded' ? result : status
}

/** The same for a task of another caller, so that nobody learns that there is one. */
function unknownTask(taskId: string): Failure {
  return new Failure(
    'unknown',
    `There is no task "${taskId.slice(0, 64)}" that you may read: the id is wrong, another caller started it, or it ended more than 14 days ago.`,
  )
}
