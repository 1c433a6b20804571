import { ANSWER_SUFFIX, CLEANUP_SUFFIX, type Task } from '../../../shared/core/call.ts'
import { describeProgress, findWaiting, type HistoryEvent } from '../../../shared/core/task/progress.ts'
import type { TaskStatus } from '../../../shared/core/task/task-status.ts'
import { type Outcome, verdictOf } from '../../../shared/outcome.ts'
import { type ListedApproval, listedApprovalOf } from './listed-approval.ts'

/** A task in a list, with the names of the HTTP interface. */
export interface ListedTask
  extends Pick<
    TaskStatus,
    'taskId' | 'category' | 'action' | 'state' | 'verdict' | 'progress' | 'acceptedAt' | 'endedAt'
  > {
  connection: string
  /** The name of the action that its caller has used, if the connection maps it. */
  mappedName?: string | undefined
  caller: string
  /** Empty if the call has none. */
  context: string
  /** The message of the outcome. Empty while the task runs. */
  message: string
  /** The approval that the task asks for, while it runs. */
  approval?: ListedApproval | undefined
}

/** The execution of a task. Times are milliseconds since 1970. */
export interface ListedExecution {
  name: string
  category: string
  /** The status that Lambda reports. */
  status: string
  startedAt: number
  endedAt?: number | undefined
  /** JSON text. */
  input?: string | undefined
  /** JSON text. */
  result?: string | undefined
  error?: string | undefined
}

export interface TaskFilter {
  category?: string | undefined
  state?: TaskStatus['state'] | undefined
  verdict?: TaskStatus['verdict'] | undefined
  action?: string | undefined
  connection?: string | undefined
  /** The start of a context. */
  context?: string | undefined
}

/** Whether an execution of a task function is a task, and not a cleanup or an answer that is sent again. */
export function isTask(executionName: string): boolean {
  return !executionName.endsWith(CLEANUP_SUFFIX) && !executionName.includes(`${ANSWER_SUFFIX}-`)
}

/** Returns the id of the task that an execution of a task function belongs to. */
export function taskIdOf(executionName: string): string {
  return isTask(executionName) ? executionName : (executionName.split('-', 1)[0] ?? '')
}

/** Returns the state of a task whose execution has a status. */
function stateOf(status: string | undefined): TaskStatus['state'] {
  return status === 'RUNNING' ? 'running' : status === 'SUCCEEDED' ? 'finished' : 'failed'
}

/** @param events the newest ones of a running task, newest first */
export function listedTask(execution: ListedExecution, events: readonly HistoryEvent[]): ListedTask {
  const { name: taskId, category, status, startedAt, endedAt, input, result, error = '' } = execution
  const task = parse<Task>(input)
  const { action = '', mappedName, connection = '', caller = '', event } = task
  const { outcome } = parse<{ outcome: Outcome }>(result)
  const state = stateOf(status)
  return {
    taskId,
    category,
    action,
    connection,
    mappedName,
    caller,
    context: event?.context ?? '',
    state,
    verdict: state === 'running' ? 'running' : outcome ? verdictOf(outcome) : 'errored',
    progress: describeProgress(events, Date.now(), { input, startedAt }),
    message: outcome?.message ?? error,
    acceptedAt: new Date(startedAt).toISOString(),
    endedAt: endedAt === undefined ? undefined : new Date(endedAt).toISOString(),
    // A task that waits for the policy has not asked yet.
    approval:
      state === 'running' && !findWaiting(events, undefined)?.policy
        ? listedApprovalOf(task, category, startedAt)
        : undefined,
  }
}

/** Returns whether a task matches all filters. */
export function matches(task: ListedTask, { context = '', ...fields }: TaskFilter): boolean {
  const wanted = Object.entries(fields) as [keyof ListedTask, string | undefined][]
  return (
    task.context.startsWith(context) && wanted.every(([name, value]) => value === undefined || task[name] === value)
  )
}

/** The input of a task that another function has invoked has other fields. */
function parse<T>(json = '{}'): Partial<T> {
  return (JSON.parse(json) ?? {}) as Partial<T>
}
