import { Failure } from '../errors.ts'
import { readTaskStatus } from '../function/task-status.ts'
import { log } from '../log.ts'
import { sleep } from '../sleep.ts'
import type { Decision } from './decision.ts'
import { type Kept, noteDecision, readQuestion } from './store.ts'

/** What became of a click. */
export type Decided =
  | { became: 'decided'; decision: Decision }
  /** Somebody else was first. */
  | { became: 'late'; decision: Decision }
  /** Nothing: the task is just asking again, for its reminder, and has not come to it. */
  | { became: 'early' }
  /** Nobody has decided in time, or the task has ended otherwise. */
  | { became: 'ended' }

/** What is said to whoever was early. */
export const tooEarly = 'This question is just being asked again. Your click changed nothing: decide in a minute.'

/** Before each look at a question whose callback is closed: another may be opened, or the decision be noted. In milliseconds. */
const pauses = [0, 100, 200, 400, 800]

/**
 * Decides a question: the first one does, since a callback is completed once. What Lambda has taken is in the task, whatever
 * dies after that.
 *
 * @throws Failure `unavailable`: nothing is decided, as far as we know
 */
export async function decide(taskId: string, kept: Kept, decision: Decision): Promise<Decided> {
  let { callbackId } = kept
  let done = await complete(callbackId, decision)
  for (const pause of done ? [] : pauses) {
    await sleep(pause)
    const now = await readQuestion(taskId)
    if (now?.decision) return { became: 'late', decision: now.decision }
    // After a reminder it is another one.
    if (now && now.callbackId !== callbackId) {
      callbackId = now.callbackId
      done = await complete(callbackId, decision)
      if (done) break
    }
  }
  if (!done) {
    const isOpen = Date.now() < kept.question.deadlineAt && (await isRunning(taskId))
    return { became: isOpen ? 'early' : 'ended' }
  }
  // The task notes it too: this is for whoever clicks in the meantime.
  await noteDecision(taskId, decision).catch((error: unknown) => log.warn('a decision was not noted', error as Error))
  return { became: 'decided', decision }
}

/** @throws Failure `unavailable` */
async function isRunning(taskId: string): Promise<boolean> {
  try {
    return (await readTaskStatus(taskId)).state === 'running'
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unknown') return false
    throw error
  }
}

/** @returns whether it was the first to do so, in time */
async function complete(CallbackId: string, decision: Decision): Promise<boolean> {
  const { lambda, SendDurableExecutionCallbackSuccessCommand } = await import('../aws/lambda.ts')
  const Result = new TextEncoder().encode(JSON.stringify(decision))
  try {
    await lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result }))
    return true
  } catch (cause) {
    if ((cause as Error).name === 'CallbackTimeoutException') return false
    throw new Failure('unavailable', 'The decision could not be passed on: try again.', { cause })
  }
}
