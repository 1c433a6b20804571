import type { TaskReader } from '../../auth/callers.ts'
import { startExecution } from '../../aws/lambda.ts'
import { Failure, serviceUnavailable } from '../../errors.ts'
import { settings } from '../../settings.ts'
import { ANSWER_SUFFIX, type Task } from '../call.ts'
import { payloadOf } from './payload.ts'
import { readTaskOf } from './status.ts'
import type { TaskResult } from './task-result.ts'
import type { TaskStatus } from './task-status.ts'

/**
 * Sends the outcome of an ended task to its orchestrator again, by an execution that only does this. An orchestrator that has
 * the outcome ignores it.
 *
 * @param operator the ARN of an operator, who acts for the caller
 * @returns the status of the task
 * @throws Failure `unknown`, `forbidden`, `running`, `unavailable`
 */
export async function answerAgain(
  category: string,
  taskId: string,
  caller: TaskReader,
  operator?: string,
): Promise<TaskStatus> {
  const { status, task, result } = await readTaskOf(category, taskId, caller)
  if (task.caller !== caller.name)
    throw new Failure('forbidden', `The task was started by ${task.caller}. Only its caller may send its answer again.`)
  if (!result)
    throw new Failure('running', 'The task has no outcome yet. Its answer is sent when it ends.', { retryAfter: 5 })
  // Once a minute: each tries for a day.
  await startAnswer({ ...task, operator }, result, Math.floor(Date.now() / 60_000))
  return status
}

/**
 * Starts an execution that only sends the outcome of an ended task.
 *
 * @param number the same number again starts nothing
 * @throws Failure `unavailable`
 */
export async function startAnswer(task: Task, { outcome, endedAt }: TaskResult, number: number): Promise<void> {
  const sending: Task = { ...task, only: 'answer', outcome, endedAt }
  try {
    await startExecution({
      functionName: settings.taskFunction,
      executionName: `${task.id}${ANSWER_SUFFIX}-${number.toString(36)}`,
      payload: await payloadOf(sending),
    })
  } catch (cause) {
    // Another user has sent it again in the same minute.
    if ((cause as Error).name === 'DurableExecutionAlreadyStartedException') return
    throw serviceUnavailable('The answer could not be sent again. Repeat the request.', {
      after: 5,
      cause,
    })
  }
}
