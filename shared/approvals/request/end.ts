import type { WaitingForApproval } from '../../providers/action.ts'
import type { Decision } from '../../state/approval-decision.ts'
import { endApproval } from '../../state/approvals.ts'
import { closeCallback, wakeTask } from '../../state/wake.ts'

/**
 * Ends the approvals of a task that no longer needs them, and wakes the tasks that ask for them, which close their messages.
 *
 * @param approvals the ids of the asking tasks, and the deadlines of their approvals in epoch milliseconds
 * @param decision of the task. Undefined if no one decided in time
 * @throws Failure `unavailable`; the error of Lambda
 */
export async function endApprovals(
  approvals: readonly { id: string; until: number }[],
  decision: Decision | undefined,
): Promise<void> {
  for (const { id, until } of approvals) {
    const { callbackId } = await endApproval(id, until, decision && { decision })
    if (callbackId !== undefined) await closeCallback(callbackId, '')
  }
}

/**
 * Saves that Lambda ended a task that asks people, and wakes the task that waits for them.
 *
 * @throws Failure `unavailable`; the error of DynamoDB or Lambda
 */
export async function failApproval(id: string, waiting: WaitingForApproval, reason: string): Promise<void> {
  await endApproval(id, waiting.until, { failure: reason })
  await wakeTask(waiting)
}
