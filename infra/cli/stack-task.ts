import { LambdaClient } from '@aws-sdk/client-lambda'
import { cancelTask } from '../../shared/core/task/cancel.ts'
import { readTask } from '../../shared/core/task/status.ts'
import { Failure, messageOf } from '../../shared/errors.ts'
import type { Category } from '../../shared/providers/category.ts'
import { explainAws } from './aws-errors.ts'
import { actAsWebhook } from './deployed-webhook.ts'
import { findCategory } from './find-by-name.ts'
import type { TaskName } from './task-name.ts'
import { UsageError } from './usage-error.ts'

/** The name of an operator in messages, such as "Canceled by an operator". */
const OPERATOR = 'an operator'
/** Lambda does not end this process. */
const TIME_LEFT_MS = 60_000

export type TaskOperation = 'show' | 'cancel' | 'answer' | 'rerun'

/**
 * Shows or changes a task of a deployed stack as its caller can, with the AWS credentials of the operator instead of the token
 * of the caller.
 *
 * @returns the body of the response that the caller would get, without `statusUrl`
 * @throws UsageError, or an error with the reason
 */
export async function operateOnTask(stack: string, task: TaskName, operation: TaskOperation): Promise<object> {
  const category = findCategory(task.category)
  await actAsWebhook(new LambdaClient(), stack, category).catch((error: unknown) => {
    throw error instanceof UsageError ? error : explainAws(error, 'Reading the functions of the stack')
  })
  try {
    return await run(category, task.taskId, operation)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // The webhook logs the cause. Here, the operator needs it.
    const cause = error.cause === undefined ? '' : ` The cause: ${messageOf(error.cause)}`
    throw new Error(`${error.message}${cause}`, { cause: error })
  }
}

async function run(category: Category, taskId: string, operation: TaskOperation): Promise<object> {
  const { status, task } = await readTask(category.name, taskId)
  const caller = { name: task.caller, categories: ['*'], tokens: [] }
  switch (operation) {
    case 'show':
      return status
    case 'cancel':
      return cancelTask(category, taskId, caller, OPERATOR)
    case 'answer': {
      const { answerAgain } = await import('../../shared/core/task/answer-again.ts')
      return answerAgain(category.name, taskId, caller)
    }
    case 'rerun': {
      const { rerunTask } = await import('../../shared/core/task/rerun.ts')
      const { startTask } = await import('../../shared/core/task/start-execution.ts')
      return rerunTask(category, taskId, caller, (again) => startTask(again, () => TIME_LEFT_MS))
    }
  }
}
