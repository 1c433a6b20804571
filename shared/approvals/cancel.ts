import { readApproval } from '../state/approvals.ts'
import type { Canceler } from '../state/save-cancellation.ts'
import { decide } from './decide.ts'

/**
 * Ends the wait for a decision. A decision that was made before stays.
 *
 * @throws Failure `unavailable`
 */
export async function cancelApproval(category: string, taskId: string, canceler: Canceler): Promise<void> {
  const stored = await readApproval(taskId)
  // Before the task saves the approval, it reads the request to cancel.
  if (stored) await decide(category, taskId, stored, { decision: 'cancel', ...canceler, at: new Date().toISOString() })
}
