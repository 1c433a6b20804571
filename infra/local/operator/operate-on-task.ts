import { LambdaClient } from '@aws-sdk/client-lambda'
import { cancelTask } from '../../../shared/core/task/cancel.ts'
import { readTask } from '../../../shared/core/task/status.ts'
import { Failure, messageOf } from '../../../shared/errors.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { explainAws, isNotPermitted } from '../../aws/aws-errors.ts'
import { actAsWebhook } from './act-as-webhook.ts'
import { nameOf } from './identity.ts'

/** Lambda does not end this process. */
const TIME_LEFT_MS = 60_000

/** The operations on a task, each as the subject of a sentence. */
const operations = {
  show: 'Reading the task',
  cancel: 'Canceling the task',
  answer: 'Sending the answer again',
  rerun: 'Running the task again',
}
export type TaskOperation = keyof typeof operations

/** A task of a stack, and the operator who acts on it. */
export interface OperatedTask {
  stack: string
  category: Category
  taskId: string
  /** The ARN of the operator. Undefined in the local runtime, which has no identities. */
  operator: string | undefined
}

/**
 * Shows or changes a task of a deployed stack as its caller can, with the AWS credentials of the operator instead of the token
 * of the caller.
 *
 * @returns the body of the response that the caller would get, without `statusUrl`
 * @throws Failure `invalid` for an unknown stack, or an error with the reason
 */
export async function operateOnTask(task: OperatedTask, operation: TaskOperation): Promise<object> {
  await actAsWebhook(new LambdaClient(), task.stack, task.category).catch((error: unknown) => {
    throw error instanceof Failure ? error : explainAws(error, 'Reading the functions of the stack')
  })
  try {
    return await run(task, operation)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const refusal = causesOf(error).find(isNotPermitted)
    // Each operation starts with its only write that has an effect.
    if (refusal)
      throw new Error(`${explainAws(refusal, operations[operation]).message} Nothing was changed.`, { cause: error })
    // The webhook logs the cause. Here, the operator needs it.
    const cause = error.cause === undefined ? '' : ` The cause: ${messageOf(error.cause)}`
    throw new Error(`${error.message}${cause}`, { cause: error })
  }
}

async function run({ category, taskId, operator }: OperatedTask, operation: TaskOperation): Promise<object> {
  const { status, task } = await readTask(category.name, taskId)
  const caller = { name: task.caller }
  switch (operation) {
    case 'show':
      return status
    case 'cancel':
      return cancelTask(category, taskId, caller, { by: nameOf(operator), operator })
    case 'answer': {
      const { answerAgain } = await import('../../../shared/core/task/answer-again.ts')
      return answerAgain(category.name, taskId, caller, operator)
    }
    case 'rerun': {
      const { rerunTask } = await import('../../../shared/core/task/rerun.ts')
      const { startTask } = await import('../../../shared/core/task/start-execution.ts')
      const start = (again: Parameters<typeof startTask>[0]) => startTask({ ...again, operator }, () => TIME_LEFT_MS)
      const { callerOfName } = await import('../../../shared/auth/source-caller.ts')
      const { withDeployedPolicy } = await import('./deployed-policy.ts')
      // The rights of the caller apply, not those of the operator. The person who has called may still not approve.
      const restricted = { ...(await callerOfName(task.caller)), email: task.email }
      return withDeployedPolicy(() => rerunTask(category, taskId, restricted, start))
    }
  }
}

function causesOf({ cause }: Error): Error[] {
  return cause instanceof Error ? [cause, ...causesOf(cause)] : []
}
