import { completeCallback } from '../aws/lambda.ts'
import type { HistoryEvent } from '../core/task/progress.ts'
import { readTask, type TaskExecution } from '../core/task/status.ts'
import { Failure, serviceUnavailable } from '../errors.ts'
import { log } from '../log.ts'
import { sleep } from '../sleep.ts'
import { type Decision, decisionSchema, describeDecision } from './decision.ts'
import { readApproval, type StoredApproval, saveDecision } from './store.ts'

/** The result of a decision. */
export type DecideResult =
  | { status: 'decided'; decision: Decision }
  /** Another decision was first. */
  | { status: 'already-decided'; decision: Decision }
  /** Nothing was decided: the task is sending its reminder, and accepts decisions again soon. */
  | { status: 'too-early' }
  /** No one decided in time, or the task ended for another reason. */
  | { status: 'ended'; reason: string }

export const TOO_EARLY = 'A reminder is being sent. Your decision was not saved. Try again in a minute.'

/** Milliseconds before each read of an approval whose callback is closed: the task may open another one or save a decision. */
const READ_PAUSES_MS = [0, 100, 200, 400, 800]

/**
 * Decides an approval. The first decision wins, because a callback can be completed once. A decision that Lambda has accepted
 * reaches the task even if this function crashes afterwards.
 *
 * @throws Failure `unavailable`: nothing was decided, as far as is known
 */
export async function decide(
  category: string,
  taskId: string,
  stored: StoredApproval,
  decision: Decision,
): Promise<DecideResult> {
  let { callbackId } = stored
  let isDone = await complete(callbackId, decision)
  for (const pause of isDone ? [] : READ_PAUSES_MS) {
    await sleep(pause)
    const current = await readApproval(taskId)
    if (current?.decision) return { status: 'already-decided', decision: current.decision }
    // A reminder replaces the callback.
    if (current && current.callbackId !== callbackId) {
      callbackId = current.callbackId
      isDone = await complete(callbackId, decision)
      if (isDone) break
    }
  }
  if (!isDone) return resultFromTask(category, taskId, stored)
  // The task saves it, too. Until then, this copy answers other people.
  await saveDecision(taskId, decision).catch((error: unknown) => log.warn('decision not saved', error as Error))
  return { status: 'decided', decision }
}

/**
 * Reads from the task the result of an approval whose callback is closed.
 *
 * @throws Failure `unavailable`
 */
async function resultFromTask(category: string, taskId: string, { approval }: StoredApproval): Promise<DecideResult> {
  const task = await readTaskIfKnown(category, taskId)
  // The function that decided may have crashed before it saved the decision.
  const decision = task && decisionIn(task.events)
  if (decision) return { status: 'already-decided', decision }
  if (task?.status.outcome) return { status: 'ended', reason: task.status.outcome.message }
  if (Date.now() >= approval.deadlineAt) return { status: 'ended', reason: describeDecision(undefined) }
  if (task?.status.state === 'running') return { status: 'too-early' }
  return { status: 'ended', reason: 'Its task was stopped' }
}

async function readTaskIfKnown(category: string, taskId: string): Promise<TaskExecution | undefined> {
  try {
    return await readTask(category, taskId)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unknown') return undefined
    throw error
  }
}

/** Returns the decision that Lambda has accepted. A task has at most one. */
function decisionIn(events: readonly (HistoryEvent & CallbackEvent)[]): Decision | undefined {
  const completed = events.find(({ EventType }) => EventType === 'CallbackSucceeded')
  const payload = completed?.CallbackSucceededDetails?.Result?.Payload
  return payload === undefined ? undefined : decisionSchema.parse(JSON.parse(payload))
}

interface CallbackEvent {
  CallbackSucceededDetails?: { Result?: { Payload?: string | undefined } | undefined } | undefined
}

/** Lambda's errors for a callback that is completed, timed out or deleted. Its documents disagree on which is which. */
const CLOSED_CALLBACK_ERRORS = [
  'CallbackTimeoutException',
  'InvalidParameterValueException',
  'ResourceNotFoundException',
]

/** @returns false if the callback is closed */
async function complete(callbackId: string, decision: Decision): Promise<boolean> {
  try {
    await completeCallback(callbackId, JSON.stringify(decision))
    return true
  } catch (cause) {
    if (CLOSED_CALLBACK_ERRORS.includes((cause as Error).name)) return false
    throw serviceUnavailable('The decision could not be delivered. Try again.', { cause })
  }
}
