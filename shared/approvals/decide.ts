import type { HistoryEvent } from '../core/task/progress.ts'
import { readTask, type Task } from '../core/task/status.ts'
import { Failure } from '../errors.ts'
import { log } from '../log.ts'
import { sleep } from '../sleep.ts'
import { type Decision, decisionSchema, inWords } from './decision.ts'
import { type Kept, noteDecision, readQuestion } from './store.ts'

/** What became of a click. */
export type Decided =
  | { became: 'decided'; decision: Decision }
  /** Somebody else was first. */
  | { became: 'late'; decision: Decision }
  /** Nothing: the task is just asking again, for its reminder, and has not come to it. */
  | { became: 'early' }
  /** Nobody has decided in time, or the task has ended otherwise; `how` says how. */
  | { became: 'ended'; how: string }

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
export async function decide(category: string, taskId: string, kept: Kept, decision: Decision): Promise<Decided> {
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
  if (!done) return becameOf(category, taskId, kept)
  // The task notes it too: this is for whoever clicks in the meantime.
  await noteDecision(taskId, decision).catch((error: unknown) => log.warn('a decision was not noted', error as Error))
  return { became: 'decided', decision }
}

/**
 * What the task itself says of a question whose callback is closed.
 *
 * @throws Failure `unavailable`
 */
async function becameOf(category: string, taskId: string, { question }: Kept): Promise<Decided> {
  const task = await readIfKnown(category, taskId)
  // Whoever decided may have died before the decision was noted.
  const decision = task && decisionIn(task.events)
  if (decision) return { became: 'late', decision }
  if (task?.status.outcome) return { became: 'ended', how: task.status.outcome.message }
  if (Date.now() >= question.deadlineAt) return { became: 'ended', how: inWords(undefined) }
  if (task?.status.state === 'running') return { became: 'early' }
  return { became: 'ended', how: 'Its task was stopped' }
}

async function readIfKnown(category: string, taskId: string): Promise<Task | undefined> {
  try {
    return await readTask(category, taskId)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unknown') return undefined
    throw error
  }
}

/** The decision that Lambda has taken; a task has one at most. */
function decisionIn(events: readonly (HistoryEvent & CallbackEvent)[]): Decision | undefined {
  const taken = events.find(({ EventType }) => EventType === 'CallbackSucceeded')
  const payload = taken?.CallbackSucceededDetails?.Result?.Payload
  return payload === undefined ? undefined : decisionSchema.parse(JSON.parse(payload))
}

interface CallbackEvent {
  CallbackSucceededDetails?: { Result?: { Payload?: string | undefined } | undefined } | undefined
}

/** What Lambda answers for a callback that is completed, has timed out, or is forgotten: its documents disagree. */
const CLOSED_CALLBACK_ERRORS = [
  'CallbackTimeoutException',
  'InvalidParameterValueException',
  'ResourceNotFoundException',
]

/** @returns whether it was the first to do so, in time */
async function complete(CallbackId: string, decision: Decision): Promise<boolean> {
  const { lambda, SendDurableExecutionCallbackSuccessCommand } = await import('../aws/lambda.ts')
  const Result = new TextEncoder().encode(JSON.stringify(decision))
  try {
    await lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result }))
    return true
  } catch (cause) {
    if (CLOSED_CALLBACK_ERRORS.includes((cause as Error).name)) return false
    throw new Failure('unavailable', 'The decision could not be passed on: try again.', { cause })
  }
}
