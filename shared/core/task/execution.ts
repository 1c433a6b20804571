import { log } from '../../log.ts'
import { settings } from '../../settings.ts'
import { itemKeys } from '../../state/item-keys.ts'

/**
 * Returns the ARN of a task's execution, or undefined if the task was never started. The ARN that Lambda returned at the
 * start is in the table; if it is not, for example because the webhook died right after the start, Lambda is searched.
 *
 * @throws the SDK's own error
 */
export async function executionOf(category: string, taskId: string): Promise<string | undefined> {
  return (await notedExecution(category, taskId)) ?? (await findExecution(taskId))
}

async function notedExecution(category: string, taskId: string): Promise<string | undefined> {
  const { dynamodb, GetItemCommand } = await import('../../aws/dynamodb.ts')
  const Key = { id: { S: itemKeys.task(category, taskId) } }
  try {
    const { Item: item } = await dynamodb.send(new GetItemCommand({ TableName: settings.idempotencyTable, Key }))
    return item?.['arn']?.S
  } catch (error) {
    log.warn('the execution of a task could not be read from the table', error as Error)
    return undefined
  }
}

/**
 * Searches Lambda for a task's execution.
 *
 * @param abortSignal gives up on it
 * @throws the SDK's own error
 */
export async function findExecution(taskId: string, abortSignal?: AbortSignal): Promise<string | undefined> {
  const { lambda, ListDurableExecutionsByFunctionCommand } = await import('../../aws/lambda.ts')
  const { DurableExecutions: [found] = [] } = await lambda.send(
    new ListDurableExecutionsByFunctionCommand({
      // Without the alias: an execution belongs to the version that it was started on, and a name is looked up over all.
      FunctionName: settings.taskFunction.replace(/:[^:]+$/, ''),
      DurableExecutionName: taskId,
      MaxItems: 1,
    }),
    abortSignal && { abortSignal },
  )
  return found?.DurableExecutionArn
}
