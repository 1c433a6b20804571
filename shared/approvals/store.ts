import { serviceUnavailable } from '../errors.ts'
import type { Message } from '../providers/message.ts'
import { itemKeys } from '../state/item-keys.ts'
import { get, type Item, putIfAbsent, update } from '../state/table.ts'
import type { Decision } from './decision.ts'

/** Stores approvals in the state table. */

/** An approval that people decide. */
export interface Approval {
  connection: string
  /** The message on the page. */
  message: Message
  /** People decide with buttons of the platform. The page, which cannot identify people, must not decide it. */
  hasButtons: boolean
  /** The people who may decide: ids, user names or e-mail addresses. Undefined for everybody. */
  approvers?: string[] | undefined
  /** The person who may not decide. */
  excluded?: string | undefined
  /** Epoch milliseconds. */
  deadlineAt: number
}

export interface StoredApproval {
  approval: Approval
  /** Wakes the task. It never leaves the functions. */
  callbackId: string
  /** The task is of a version that does not read this item: it takes the decision from its callback. */
  isDecidedByCallback: boolean
  decision: Decision | undefined
}

/** From the deadline: how long an ended approval can be viewed. */
const TTL_SECONDS = 14 * 86_400

/** Exactly one write that has this condition changes an approval: a decision, or the end without one. */
const IS_OPEN = 'attribute_exists(id) AND attribute_not_exists(decision) AND attribute_not_exists(isExpired)'

/**
 * Saves an approval. A repeat changes nothing. Replaces the approval of an earlier task with the same id, whose execution
 * Lambda has deleted.
 *
 * @throws Failure `unavailable`
 */
export async function saveApproval(taskId: string, approval: Approval, callbackId: string): Promise<void> {
  const { deadlineAt } = approval
  const expiration = Math.floor(deadlineAt / 1_000) + TTL_SECONDS
  const item = { approval: JSON.stringify(approval), deadlineAt, callbackId, expiration }
  const condition = {
    condition: 'attribute_not_exists(deadlineAt) OR deadlineAt <> :deadlineAt',
    values: { deadlineAt },
  }
  await orUnavailable(putIfAbsent(itemKeys.approval(taskId), item, condition))
}

/**
 * Replaces the callback that wakes the task, and reads the approval in the same request: every later decision wakes this callback.
 *
 * @returns undefined if there is no approval
 * @throws Failure `unavailable`
 */
export function saveCallback(taskId: string, callbackId: string): Promise<StoredApproval | undefined> {
  return change(taskId, 'SET callbackId = :callbackId', 'attribute_exists(id)', { callbackId })
}

/**
 * Decides an approval that is open at the time of the decision.
 *
 * @returns the approval; undefined if it was not open
 * @throws Failure `unavailable`
 */
export function saveDecision(taskId: string, decision: Decision): Promise<StoredApproval | undefined> {
  // Approvals of earlier versions have no deadline here: their callback has it.
  const isInTime = '(attribute_not_exists(deadlineAt) OR deadlineAt > :at)'
  const values = { decision: JSON.stringify(decision), at: Date.parse(decision.at) }
  return change(taskId, 'SET decision = :decision', `${IS_OPEN} AND ${isInTime}`, values)
}

/**
 * Ends an approval that is still open at its deadline.
 *
 * @returns the approval; undefined if it was not open
 * @throws Failure `unavailable`
 */
export function expireApproval(taskId: string): Promise<StoredApproval | undefined> {
  return change(taskId, 'SET isExpired = :isExpired', IS_OPEN, { isExpired: true })
}

/**
 * Reads an approval.
 *
 * @returns undefined if there is none, or if the table has deleted it
 * @throws Failure `unavailable`
 */
export async function readApproval(taskId: string): Promise<StoredApproval | undefined> {
  return fromItem(await orUnavailable(get(itemKeys.approval(taskId))))
}

async function change(
  taskId: string,
  expression: string,
  condition: string,
  values: Item,
): Promise<StoredApproval | undefined> {
  return fromItem(await orUnavailable(update(itemKeys.approval(taskId), expression, { condition, values })))
}

function fromItem({ approval, callbackId, deadlineAt, decision }: Item = {}): StoredApproval | undefined {
  if (typeof approval !== 'string' || typeof callbackId !== 'string') return undefined
  return {
    approval: JSON.parse(approval),
    callbackId,
    isDecidedByCallback: deadlineAt === undefined,
    decision: typeof decision === 'string' ? JSON.parse(decision) : undefined,
  }
}

async function orUnavailable<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent
  } catch (cause) {
    throw serviceUnavailable('The approval cannot be read or written now. Try again.', { cause })
  }
}
