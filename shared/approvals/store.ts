import { serviceUnavailable } from '../errors.ts'
import type { Message } from '../providers/message.ts'
import { itemKeys } from '../state/item-keys.ts'
import { get, putIfAbsent, update } from '../state/table.ts'
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
  /** Completes the task. It never leaves the functions. */
  callbackId: string
  decision: Decision | undefined
}

/** From the deadline: how long an ended approval can be viewed. */
const TTL_SECONDS = 14 * 86_400

/**
 * Saves an approval. A repeat changes nothing. Replaces the approval of an earlier task with the same id, whose execution
 * Lambda has deleted.
 *
 * @throws Failure `unavailable`
 */
export async function saveApproval(taskId: string, approval: Approval, callbackId: string): Promise<void> {
  const expiration = Math.floor(approval.deadlineAt / 1_000) + TTL_SECONDS
  const item = { approval: JSON.stringify(approval), callbackId, expiration }
  const condition = { condition: 'callbackId <> :callbackId', values: { callbackId } }
  await orUnavailable(putIfAbsent(itemKeys.approval(taskId), item, condition))
}

/**
 * Replaces the callback that a decision completes.
 *
 * @throws Failure `unavailable`
 */
export async function changeCallback(taskId: string, callbackId: string): Promise<void> {
  await change(taskId, 'SET callbackId = :value', callbackId)
}

/**
 * Saves the decision, unless there is one.
 *
 * @throws Failure `unavailable`
 */
export async function saveDecision(taskId: string, decision: Decision): Promise<void> {
  await change(taskId, 'SET decision = if_not_exists(decision, :value)', JSON.stringify(decision))
}

/**
 * Reads an approval.
 *
 * @returns undefined if there is none, or if it has expired
 * @throws Failure `unavailable`
 */
export async function readApproval(taskId: string): Promise<StoredApproval | undefined> {
  const { approval, callbackId, decision } = (await orUnavailable(get(itemKeys.approval(taskId)))) ?? {}
  if (typeof approval !== 'string' || typeof callbackId !== 'string') return undefined
  return {
    approval: JSON.parse(approval),
    callbackId,
    decision: typeof decision === 'string' ? JSON.parse(decision) : undefined,
  }
}

async function change(taskId: string, expression: string, value: string): Promise<void> {
  const options = { condition: 'attribute_exists(id)', values: { value } }
  await orUnavailable(update(itemKeys.approval(taskId), expression, options))
}

async function orUnavailable<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent
  } catch (cause) {
    throw serviceUnavailable('The approval cannot be read or written now. Try again.', { cause })
  }
}
