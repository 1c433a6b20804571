import { completeCallback } from '../aws/lambda.ts'
import { readWaiter, readWaitingTasks, type WaitingTask } from './waiters.ts'

/** Lambda's errors for a callback that is completed, timed out or deleted. Its documents disagree on which is which. */
const CLOSED_CALLBACK_ERRORS = [
  'CallbackTimeoutException',
  'InvalidParameterValueException',
  'ResourceNotFoundException',
]

/**
 * Wakes a task that waits: it polls now instead of later. Waking it twice, too late or without a reason does no harm.
 *
 * @returns false if the task does not wait
 * @throws the error of DynamoDB or Lambda: the task was perhaps not woken
 */
export async function wakeTask({ category, taskId }: WaitingTask): Promise<boolean> {
  const waiter = await readWaiter(category, taskId)
  return waiter !== undefined && (await closeCallback(waiter.callbackId, ''))
}

/**
 * Wakes all tasks that wait for a run.
 *
 * @returns how many were woken
 * @throws the error of DynamoDB or Lambda
 */
export async function wakeTasksOf(source: string, runId: string): Promise<number> {
  const woken = await Promise.all((await readWaitingTasks(source, runId)).map(wakeTask))
  return woken.filter(Boolean).length
}

/**
 * Completes a callback.
 *
 * @returns false if it is closed
 * @throws the error of Lambda
 */
export async function closeCallback(callbackId: string, result: string): Promise<boolean> {
  try {
    await completeCallback(callbackId, result)
    return true
  } catch (error) {
    if (CLOSED_CALLBACK_ERRORS.includes((error as Error).name)) return false
    throw error
  }
}
