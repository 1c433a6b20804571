import { createHash } from 'node:crypto'
import type { Caller } from '../../auth/callers.ts'
import { startExecution } from '../../aws/lambda.ts'
import { Failure } from '../../errors.ts'
import { settings } from '../../settings.ts'
import { ANSWER_SUFFIX, type Task } from '../call.ts'
import type { TaskResult } from './handler.ts'
import { payloadOf } from './payload.ts'
import { readTaskOf, type TaskStatus } from './status.ts'

/**
 * Sends the outcome of an ended task to its orchestrator again, by an execution that only does this. An orchestrator that has
 * the outcome ignores it.
 *
 * @returns the status of the task
 * @throws Failure `unknown`, `forbidden`, `running`, `unavailable`
 */
export async function answerAgain(category: string, taskId: string, caller: Caller): Promise<TaskStatus> {
  const { status, task, result } = await readTaskOf(category, taskId, caller)
  if (task.caller !== caller.name)
    throw new Failure('forbidden', `The task was started by ${task.caller}. Only its caller may send its answer again.`)
  if (!result)
    throw new Failure('running', 'The task has no outcome yet. Its answer is sent when it ends.', { retryAfter: 5 })
  await startAnswer(task, result)
  return status
}

/**
 * Starts an execution that only sends the outcome of an ended task.
 *
 * @throws Failure `unavailable`
 */
export async function startAnswer(task: Task, { outcome, endedAt }: TaskResult): Promise<void> {
  const answer: Task = { ...task, only: 'answer', outcome, endedAt }
  try {
    await startExecution({
      functionName: settings.taskFunction,
      // One in a minute for each address, because each tries for a day.
      executionName: `${task.id}${ANSWER_SUFFIX}-${Math.floor(Date.now() / 60_000).toString(36)}-${digestOf(task.sealedReplyTo)}`,
      payload: await payloadOf(answer),
    })
  } catch (cause) {
    throw new Failure('unavailable', 'The answer could not be sent again. Repeat the request.', {
      retryAfter: 5,
      cause,
    })
  }
}

function digestOf(sealedReplyTo = ''): string {
  return createHash('sha256').update(sealedReplyTo).digest('hex').slice(0, 8)
}
