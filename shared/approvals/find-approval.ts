import { Failure } from '../errors.ts'
import { log } from '../log.ts'
import { readApproval, type StoredApproval } from '../state/approvals.ts'
import { READ } from './page-url.ts'
import { verifyToken } from './signed-link.ts'

/** The approval that a link leads to. */
export interface LinkedApproval {
  taskId: string
  stored: StoredApproval
  /** No one can decide it: it was decided, or has ended. */
  isOver: boolean
}

/**
 * Finds the approval that a link leads to which only shows it. Everyone who has the link may read it, until the approval expires.
 *
 * @param now epoch milliseconds
 * @throws Failure `unauthenticated`, `unknown`, `unavailable`
 */
export async function findReadableApproval(token: string, now: number): Promise<StoredApproval> {
  const { taskId, isExpired } = await verifyToken(token, now, READ)
  if (isExpired) throw new Failure('unauthenticated', 'This link has expired with its approval.')
  return readLinked(taskId)
}

/**
 * Finds the approval that a link to the page leads to.
 *
 * @param now epoch milliseconds
 * @throws Failure `unauthenticated`, `unknown`, `unavailable`
 */
export async function findApproval(token: string, now: number): Promise<LinkedApproval> {
  const { taskId, isExpired } = await verifyToken(token, now)
  const stored = await readLinked(taskId)
  const { hasButtons, needsSignIn, deadlineAt } = stored.approval
  if (hasButtons && !needsSignIn)
    throw new Failure('unauthenticated', 'Decide this approval with the buttons of its message.')
  return { taskId, stored, isOver: stored.decision !== undefined || isExpired || deadlineAt <= now }
}

async function readLinked(taskId: string): Promise<StoredApproval> {
  log.appendKeys({ taskId })
  const stored = await readApproval(taskId)
  if (!stored) throw new Failure('unknown', 'This approval no longer exists.')
  return stored
}
