import { LambdaClient } from '@aws-sdk/client-lambda'
import { explainAws } from '../../aws/aws-errors.ts'
import { operatorOf } from '../../local/operator/identity.ts'
import { operateOnTask, type TaskOperation } from '../../local/operator/operate-on-task.ts'
import { findCategory } from '../../project/find-by-name.ts'
import type { TaskName } from './task-name.ts'

/**
 * Shows or changes a task of a deployed stack, with the AWS credentials of the user.
 *
 * @throws UsageError, or an error with the reason
 */
export async function operateOnStack(
  stack: string,
  { category, taskId }: TaskName,
  operation: TaskOperation,
): Promise<object> {
  const task = { stack, category: findCategory(category), taskId }
  const operator = operation === 'show' ? undefined : await operatorOf(new LambdaClient()).catch(explainIdentity)
  return operateOnTask({ ...task, operator }, operation)
}

function explainIdentity(error: unknown): never {
  throw explainAws(error, 'Reading your AWS identity')
}
