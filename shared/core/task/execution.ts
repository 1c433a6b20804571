import { log } from '../../log.ts'
import { settings } from '../../settings.ts'
import { itemKeys } from '../../state/item-keys.ts'

/**
 * Returns the ARN of a task's execution. The state table has the ARN that Lambda returned at the start. If it does not, for
 * example because the webhook crashed right after the start, Lambda is searched.
 *
 * @returns undefined if the task was never started
 * @throws the SDK's own error
 */
export async function executionOf(category: string, taskId: string): Promise<string | undefined> {
  return (await savedExecution(category, taskId)) ?? (await findExecution(taskId))
}

async function savedExecution(category: string, taskId: string): Promise<string | undefined> {
  try {
    const { get } = await import('../../state/table.ts')
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
 * @throws the SDK's own error
 */
export async function findExecution(taskId: string, abortSignal?: AbortSignal): Promise<string | undefined> {
  const { lambda, ListDurableExecutionsByFunctionCommand } = await import('../../aws/lambda.ts')
  const { DurableExecutions: [found] = [] } = await lambda.send(
    new ListDurableExecutionsByFunctionCommand({
      // Without the alias: an execution belongs to a version, and this searches all versions.
      FunctionName: settings.taskFunction.replace(/:[^:]+$/, ''),
      DurableExecutionName: taskId,
      MaxItems: 1,
    }),
    abortSignal && { abortSignal },
  )
  return found?.DurableExecutionArn
}
