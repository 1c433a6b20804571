import { readApproval } from '../state/approvals.ts'
import { decide } from './decide.ts'

/**
 * Ends the wait for a decision. A decision that was made before stays.
 *
 * @param by the name of the caller
 * @throws Failure `unavailable`
 */
export async function cancelApproval(category: string, taskId: string, by: string): Promise<void> {
  const stored = await readApproval(taskId)
  // Before the task saves the approval, it reads the request to cancel.
  if (stored) await decide(category, taskId, stored, { decision: 'cancel', by, at: new Date().toISOString() })
}
