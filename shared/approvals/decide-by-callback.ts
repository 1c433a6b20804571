import type { HistoryEvent } from '../core/task/progress.ts'
import { isDecisionCallback } from '../core/task/steps.ts'
import { type Failure, serviceUnavailable } from '../errors.ts'
import { log } from '../log.ts'
import { type DecideResult, type Decision, decisionSchema, describeDecision } from '../state/approval-decision.ts'
import { readApproval, type StoredApproval, saveDecision } from '../state/approvals.ts'
import { closeCallback } from '../state/wake.ts'
import { readTaskIfKnown, reasonOfEnd } from './read-task.ts'

/**
 * Decides an approval whose task is of a version that takes the decision from its callback, which can be completed once. Lambda runs such
 * a task on its version until it ends, up to 30 days after an update.
 *
 * @throws Failure `unavailable`: nothing was decided, as far as is known
 */
export async function decideByCallback(
  category: string,
  taskId: string,
  { approval, callbackId }: StoredApproval,
  decision: Decision,
): Promise<DecideResult> {
  if (await complete(callbackId, decision)) {
    // The task saves it, too. Until then, this copy answers other people.
    await saveDecision(taskId, decision).catch((error: unknown) => log.warn('decision not saved', error as Error))
    return { status: 'decided', decision }
  }
  const saved = (await readApproval(taskId))?.decision
  if (saved) return { status: 'already-decided', decision: saved }
  const task = await readTaskIfKnown(category, taskId)
  // The function that decided may have crashed before it saved the decision.
  const first = task && decisionIn(task.events)
  if (first) return { status: 'already-decided', decision: first }
  const { state, outcome } = task?.status ?? {}
  if (!outcome && Date.now() >= approval.deadlineAt) return { status: 'ended', reason: describeDecision(undefined) }
  // The task replaces its callback when it reminds people.
  if (state === 'running') throw undelivered()
  return { status: 'ended', reason: reasonOfEnd(outcome) }
}

/** Returns the decision that Lambda has accepted. A task has at most one. */
function decisionIn(events: readonly (HistoryEvent & CallbackEvent)[]): Decision | undefined {
  const completed = events.find(({ EventType, Name }) => EventType === 'CallbackSucceeded' && isDecisionCallback(Name))
  const payload = completed?.CallbackSucceededDetails?.Result?.Payload
  return payload === undefined ? undefined : decisionSchema.parse(JSON.parse(payload))
}

interface CallbackEvent {
  CallbackSucceededDetails?: { Result?: { Payload?: string | undefined } | undefined } | undefined
}

/** @returns false if the callback is closed */
async function complete(callbackId: string, decision: Decision): Promise<boolean> {
  try {
    return await closeCallback(callbackId, JSON.stringify(decision))
  } catch (cause) {
    throw undelivered(cause)
  }
}

function undelivered(cause?: unknown): Failure {
  return serviceUnavailable('The decision could not be delivered. Try again.', { cause })
}
