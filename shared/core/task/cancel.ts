import type { TaskReader } from '../../auth/callers.ts'
import { Failure, serviceUnavailable } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import type { Canceler } from '../../state/save-cancellation.ts'
import type { WaitingTask } from '../../state/waiters.ts'
import { wakeTask } from '../../state/wake.ts'
import { readTaskOf } from './status.ts'
import type { TaskStatus } from './task-status.ts'

/**
 * Requests that a task ends as aborted. The task reads the request before its next poll or attempt, stops its job at the
 * platform, and answers its orchestrator.
 *
 * @returns the status. If it is not `running`, the task had ended and nothing was requested
 * @throws Failure `unknown`, `forbidden`, `unavailable`
 */
export async function cancelTask(
  category: Category,
  taskId: string,
  caller: TaskReader,
  canceler: Canceler = { by: caller.name },
): Promise<TaskStatus> {
  const { status, task } = await readTaskOf(category.name, taskId, caller)
  if (task.caller !== caller.name)
    throw new Failure('forbidden', `The task was started by ${task.caller}. Only its caller may cancel it.`)
  if (status.state !== 'running') return status
  try {
    const { saveCancellation } = await import('../../state/save-cancellation.ts')
    await saveCancellation(category.name, taskId, canceler)
  } catch (cause) {
    throw serviceUnavailable('The request to cancel the task could not be saved. Send it again.', {
      after: 5,
      cause,
    })
  }
  const action = category.actions[task.action]
  // It waits for people, and does not poll.
  if (action?.type === 'approval') await action.cancel(category.name, taskId, canceler)
  if (task.source !== undefined || task.requirements !== undefined) await wake({ category: category.name, taskId })
  return status
}

/** Does not throw: the task reads the request with its next poll. */
async function wake(task: WaitingTask): Promise<void> {
  try {
    await wakeTask(task)
  } catch (error) {
    log.warn('canceled task not woken', error as Error)
  }
}
