import { findExecutionArn } from '../../aws/lambda.ts'
import { log } from '../../log.ts'
import { settings } from '../../settings.ts'
import { itemKeys } from '../../state/item-keys.ts'
import { get } from '../../state/table.ts'

/**
 * Returns the ARN of a task's execution. The state table has the ARN that Lambda returned at the start. If it does not, for
 * example because the webhook crashed right after the start, Lambda is searched.
 *
 * @param saved the record of the task in the state table, if it was read
 * @returns undefined if the task was never started
 * @throws the error of Lambda
 */
export async function executionOf(category: string, taskId: string, saved?: SavedTask): Promise<string | undefined> {
  const { arn } = saved ?? (await savedTask(category, taskId))
  return arn ?? (await findExecution(taskId))
}

/** The record of an accepted task in the state table. */
export interface SavedTask {
  /** Missing if Lambda did not return it. */
  arn?: string
  caller?: string
  /** JSON of the status at its start. Missing for tasks of earlier versions, and for those that do not mark their end. */
  started?: string
}

/** Reads the record of a task in the state table. Empty if there is none, or it cannot be read now. Does not throw. */
export async function savedTask(category: string, taskId: string): Promise<SavedTask> {
  try {
    return (await get(itemKeys.task(category, taskId))) ?? {}
  } catch (error) {
    log.warn('task not read from the table', error as Error)
    return {}
  }
}

/**
 * Searches Lambda for a task's execution.
 *
 * @throws the error of Lambda
 */
export async function findExecution(taskId: string, abortSignal?: AbortSignal): Promise<string | undefined> {
  // Without the alias: an execution belongs to a version, and this searches all versions.
  return findExecutionArn(settings.taskFunction.replace(/:[^:]+$/, ''), taskId, { abortSignal })
}
