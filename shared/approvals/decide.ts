import { closeCallback } from '../core/task/wake.ts'
import { serviceUnavailable } from '../errors.ts'
import { decideByCallback } from './decide-by-callback.ts'
import { type DecideResult, type Decision, describeDecision } from './decision.ts'
import { readTaskIfKnown, reasonOfEnd } from './read-task.ts'
import { readApproval, type StoredApproval, saveDecision } from './store.ts'

/**
 * Decides an approval. The table accepts the first decision, which is final from then on. Then the task is woken to read it. If this
 * function crashes in between, the task reads the decision later: when it reminds people, at the deadline, or when a person decides again.
 *
 * @throws Failure `unavailable`: if the decision was saved, the task was perhaps not woken
 */
export async function decide(
  category: string,
  taskId: string,
  stored: StoredApproval,
  decision: Decision,
): Promise<DecideResult> {
  if (stored.isDecidedByCallback) return decideByCallback(category, taskId, stored, decision)
  const current = (await saveDecision(taskId, decision)) ?? (await readApproval(taskId))
  if (!current?.decision) return { status: 'ended', reason: describeDecision(undefined) }
  const result = await wakeDecided(category, taskId, current.callbackId, current.decision)
  // A write that was repeated, because its response was lost, finds its own decision.
  const isOwn = JSON.stringify(current.decision) === JSON.stringify(decision)
  return isOwn && result.status === 'already-decided' ? { status: 'decided', decision } : result
}

/**
 * Wakes the task of a decided approval again, for a person who decides it again: perhaps the first wake-up was lost.
 *
 * @throws Failure `unavailable`
 */
export async function decideAgain(
  category: string,
  taskId: string,
  { callbackId, isDecidedByCallback }: StoredApproval,
  decision: Decision,
): Promise<DecideResult> {
  return isDecidedByCallback
    ? { status: 'already-decided', decision }
    : wakeDecided(category, taskId, callbackId, decision)
}

async function wakeDecided(
  category: string,
  taskId: string,
  callbackId: string,
  decision: Decision,
): Promise<DecideResult> {
  const decided = { status: 'already-decided', decision } as const
  try {
    if (await closeCallback(callbackId, '')) return decided
  } catch (cause) {
    const message = 'The approval has been decided, but its task does not know this yet. Try again.'
    throw serviceUnavailable(message, { cause })
  }
  const { state, outcome } = (await readTaskIfKnown(category, taskId))?.status ?? {}
  // The outcome of a task that has read the decision contains it.
  const isRead = state === 'running' || outcome?.data['decision'] !== undefined
  return isRead ? decided : { status: 'ended', reason: reasonOfEnd(outcome) }
}
