import { serviceUnavailable } from '../errors.ts'
import { decide } from './decide.ts'
import { readApproval } from './store.ts'

/**
 * Ends the wait for a decision. A decision that was made before stays.
 *
 * @param by the name of the caller
 * @throws Failure `unavailable`
 */
export async function cancelApproval(category: string, taskId: string, by: string): Promise<void> {
  const stored = await readApproval(taskId)
  // Before the task saves the approval, it reads the request to cancel.
  if (!stored || stored.decision) return
  const decision = { decision: 'cancel', by, at: new Date().toISOString() } as const
  const { status } = await decide(category, taskId, stored, decision)
  if (status === 'too-early')
    throw serviceUnavailable('A reminder is being sent. Cancel the task again in a minute.', { after: 60 })
}
