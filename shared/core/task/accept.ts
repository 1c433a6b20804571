import { Failure } from '../../errors.ts'
import { sleep } from '../../sleep.ts'
import { type Call, type Task, taskOf } from '../call.ts'
import { startTask } from './start-execution.ts'
import type { TaskExecution } from './status.ts'
import { SEND_FINISHED } from './steps.ts'

/** An answer whose request has arrived ends its task within this time. */
const MAX_END_MS = 5_000
const PAUSE_MS = 250
/** Left of the webhook's time for the response. */
const MIN_TIME_LEFT_MS = 2_000

/**
 * Accepts an interactive call: starts its task, or ensures that a repeat of the call gets the outcome, too.
 *
 * @param timeLeft returns the milliseconds until Lambda ends the webhook
 * @returns `duplicate`: the call had been accepted before, and nothing was started
 * @throws Failure `misconfigured`, `unavailable`, `running`: no result will follow; the refusal of a repeat
 */
export async function acceptCall(call: Call, timeLeft: () => number): Promise<{ taskId: string; duplicate: boolean }> {
  const started = await startTask(call, timeLeft)
  if (started.duplicate && call.repeatRefusal) throw call.repeatRefusal
  if (started.duplicate && call.answersRepeats) await answerRepeat(taskOf(call), call.refusal, timeLeft)
  return started
}

/**
 * Sends the outcome of an ended task to the address of a repeated call. While the task runs, its outcome goes to the address of
 * the first call, so a repeat with another address is refused.
 */
async function answerRepeat(repeat: Task, refusal: Failure | undefined, timeLeft: () => number): Promise<void> {
  const { task, status, result } = await readUntilSent(repeat, timeLeft)
  // Another answer would be sent, for up to a day.
  if (result && refusal && !(await hasSameAddress(task, repeat))) throw refusal
  if (result && !refusal) {
    const { startAnswer } = await import('./answer-again.ts')
    return startAnswer({ ...task, sealedReplyTo: repeat.sealedReplyTo }, result, Date.now())
  }
  // The finisher answers for a task that Lambda ended.
  if (await hasSameAddress(task, repeat)) return
  throw new Failure(
    'running',
    `The call ${repeat.event.id} was accepted before, and its result goes to another address. Send another id for another step of a workflow${status.state === 'running' ? ', or repeat the call when the task has ended' : ''}.`,
    { retryAfter: 60 },
  )
}

/** Reads a task. If its answer is being sent, waits for its end: the answer may have triggered the repeat. */
async function readUntilSent({ category, id }: Task, timeLeft: () => number): Promise<TaskExecution> {
  const { readTask } = await import('./status.ts')
  const until = performance.now() + Math.min(MAX_END_MS, timeLeft() - MIN_TIME_LEFT_MS)
  for (;;) {
    const execution = await readTask(category, id)
    if (!isBeingAnswered(execution) || performance.now() > until) return execution
    await sleep(PAUSE_MS)
  }
}

function isBeingAnswered({ status, events }: TaskExecution): boolean {
  const newest = events.find(({ Name }) => Name === SEND_FINISHED)
  return status.state === 'running' && (newest?.EventType === 'StepStarted' || newest?.EventType === 'StepSucceeded')
}

/** Compares the addresses, which are encrypted. The key may have changed between both calls. */
async function hasSameAddress(first: Task, repeat: Task): Promise<boolean> {
  const [one, other] = [first.sealedReplyTo, repeat.sealedReplyTo]
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  const { openAddress } = await import('../../auth/reply-address.ts')
  return (await openAddress(first.id, one)) === (await openAddress(first.id, other))
}
