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
  if (!(await wakeDecided(current))) {
    const { state, outcome } = (await readTaskIfKnown(category, taskId))?.status ?? {}
    // The outcome of a task that has read the decision contains it.
    const isRead = state === 'running' || outcome?.data['decision'] !== undefined
    if (!isRead) return { status: 'ended', reason: reasonOfEnd(outcome) }
  }
  // A write that was repeated, because its response was lost, finds its own decision.
  const isOwn = JSON.stringify(current.decision) === JSON.stringify(decision)
  return { status: isOwn ? 'decided' : 'already-decided', decision: current.decision }
}

/**
 * Wakes the task of a decided approval. When a person decides again, this repeats a wake-up that was perhaps lost.
 *
 * @returns false if the task does not wait: it is about to read the decision, or has ended
 * @throws Failure `unavailable`
 */
export async function wakeDecided({ callbackId, isDecidedByCallback }: StoredApproval): Promise<boolean> {
  // Its callback was completed with the decision.
  if (isDecidedByCallback) return false
  try {
    return await closeCallback(callbackId, '')
  } catch (cause) {
    const message = 'The approval has been decided, but its task does not know this yet. Try again.'
    throw serviceUnavailable(message, { cause })
  }
}
