import { serviceUnavailable } from '../errors.ts'
import { type DecideResult, type Decision, describeDecision } from '../state/approval-decision.ts'
import { readApproval, type StoredApproval, saveDecision, saveVote } from '../state/approvals.ts'
import { closeCallback, wakeTask } from '../state/wake.ts'
import { decideByCallback } from './decide-by-callback.ts'
import { readTaskIfKnown, reasonOfEnd } from './read-task.ts'

/**
 * Decides an approval. The table accepts the first decision, which is final from then on; if several people have to approve, it counts
 * them. Then the tasks are woken to read it. If this function crashes in between, they read the decision later: when people are reminded, at
 * the deadline, or when a person decides again.
 *
 * @param personId the id of the person at the platform. Undefined if the person is not verified
 * @throws Failure `unavailable`: if the decision was saved, the task was perhaps not woken
 */
export async function decide(
  category: string,
  taskId: string,
  stored: StoredApproval,
  decision: Decision,
  personId?: string,
): Promise<DecideResult> {
  if (stored.isDecidedByCallback) return decideByCallback(category, taskId, stored, decision)
  const { count = 1 } = stored.approval
  const isVote = decision.decision === 'approve' && count > 1
  // Without an id, one person could count several times.
  if (isVote && personId === undefined) throw new Error('The approval of several people needs their ids.')
  const saved = await (isVote ? saveVote(taskId, String(personId), decision) : saveDecision(taskId, decision))
  const current = saved ?? (await readApproval(taskId))
  if (isVote && current && isOpenAt(current, Date.parse(decision.at))) {
    // The message and the progress show who has approved. If a person presses a button again, only the message is updated.
    await (saved ? wakeTasks(saved) : wakeAsking(current))
    return { status: 'counted', votes: current.votes, count }
  }
  if (!current?.decision) return { status: 'ended', reason: current?.failure ?? describeDecision(undefined) }
  if (!(await wakeTasks(current))) {
    const { state, outcome } = (await readTaskIfKnown(category, taskId))?.status ?? {}
    // The outcome of a task that has read the decision contains it.
    const isRead = state === 'running' || outcome?.data['decision'] !== undefined
    if (!isRead) return { status: 'ended', reason: reasonOfEnd(outcome) }
  }
  // A write that was repeated, because its response was lost, finds its own decision.
  const isOwn = isVote
    ? current.votes.some((vote) => JSON.stringify(vote) === JSON.stringify(decision))
    : JSON.stringify(current.decision) === JSON.stringify(decision)
  return { status: isOwn ? 'decided' : 'already-decided', decision: current.decision }
}

/**
 * Wakes the tasks of an approval after a decision or a vote. When a person decides again, this repeats a wake-up that was perhaps lost.
 *
 * @returns false if the task that asks does not wait: it is about to read the decision, or has ended
 * @throws Failure `unavailable`
 */
export async function wakeTasks(stored: StoredApproval): Promise<boolean> {
  // Its callback was completed with the decision.
  if (stored.isDecidedByCallback) return false
  const { waiting } = stored.approval
  // First the task that starts its action: the message can wait.
  if (waiting) await orUnknown(wakeTask(waiting))
  return wakeAsking(stored)
}

function isOpenAt({ approval, decision, isExpired, failure }: StoredApproval, at: number): boolean {
  return decision === undefined && !isExpired && failure === undefined && approval.deadlineAt > at
}

function wakeAsking({ callbackId }: StoredApproval): Promise<boolean> {
  return orUnknown(closeCallback(callbackId, ''))
}

async function orUnknown<T>(woken: Promise<T>): Promise<T> {
  try {
    return await woken
  } catch (cause) {
    const message = 'The approval has been decided, but its task does not know this yet. Try again.'
    throw serviceUnavailable(message, { cause })
  }
}
