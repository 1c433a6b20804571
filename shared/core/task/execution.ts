import { findExecutionArn } from '../../aws/lambda.ts'
import { log } from '../../log.ts'
import { settings } from '../../settings.ts'
import { itemKeys } from '../../state/item-keys.ts'
import { get } from '../../state/table.ts'

/**
 * Returns the ARN of a task's execution. The state table has the ARN that Lambda returned at the start. If it does not, for
 * example because the webhook crashed right after the start, Lambda is searched.
 *
 * @returns undefined if the task was never started
 * @throws the error of Lambda
 */
export async function executionOf(category: string, taskId: string): Promise<string | undefined> {
  return (await savedExecution(category, taskId)) ?? (await findExecution(taskId))
}

async function savedExecution(category: string, taskId: string): Promise<string | undefined> {
  try {
    const item = await get(itemKeys.task(category, taskId))
    return item?.['arn'] as string | undefined
  } catch (error) {
    log.warn('execution not read from the table', error as Error)
    return undefined
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
