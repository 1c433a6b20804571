import { createHash } from 'node:crypto'
import { serviceUnavailable } from '../errors.ts'
import type { Details } from '../text/details.ts'
import type { Message } from '../text/message.ts'
import type { Decision } from './approval-decision.ts'
import { itemKeys } from './item-keys.ts'
import { get, type Item, put, putIfAbsent, update } from './table.ts'
import type { WaitingTask } from './waiters.ts'

/** Stores approvals in the state table. */

/** An approval that people decide. */
export interface Approval {
  connection: string
  /** The message on the page. */
  message: Message
  /** The complete request, instead of the text of the message. */
  details?: Details | undefined
  /**
   * People decide with buttons of the platform, and the page must not decide it. Also set with `needsSignIn`, for earlier versions, on whose
   * page no one signs in.
   */
  hasButtons: boolean
  /** People decide on the page, and only after a sign-in: it depends on who they are. */
  needsSignIn?: boolean | undefined
  /** The people who may decide: ids, user names or e-mail addresses. Undefined for everybody. */
  approvers?: string[] | undefined
  /** The people who may not decide. Earlier versions have stored one person. */
  excluded?: string | string[] | undefined
  /** Epoch milliseconds. */
  deadlineAt: number
  /** How many people have to approve. Undefined for one. */
  count?: number | undefined
  /** The task that may start its action after the approval. */
  waiting?: WaitingTask | undefined
}

/** How an approval stands. */
export interface ApprovalState {
  /** The final one. With several people, that of the last one who had to approve. */
  decision: Decision | undefined
  /** The people who have approved so far, if several have to. */
  votes: Decision[]
  /** No one decided in time. */
  isExpired: boolean
  /** Why people could not be asked. */
  failure: string | undefined
}

export interface StoredApproval extends ApprovalState {
  approval: Approval
  /** Wakes the task. It never leaves the functions. */
  callbackId: string
  /** The task is of a version that does not read this item: it takes the decision from its callback. */
  isDecidedByCallback: boolean
}

/** From the deadline: how long an ended approval can be viewed. */
const TTL_SECONDS = 14 * 86_400

/** The attributes with the vote of one person each. */
const VOTE_PREFIX = 'y_'

/**
 * Exactly one write that has this condition ends an approval: the decision, the last vote that was needed, or the end without a decision.
 */
const NOT_ENDED =
  'attribute_not_exists(decision) AND attribute_not_exists(isExpired) AND attribute_not_exists(failure) AND (attribute_not_exists(required) OR votes < required)'
const IS_OPEN = `attribute_exists(id) AND ${NOT_ENDED}`

/**
 * Saves an approval. A repeat changes nothing. Replaces the approval of an earlier task with the same id, whose execution
 * Lambda has deleted.
 *
 * @throws Failure `unavailable`
 */
export async function saveApproval(taskId: string, approval: Approval, callbackId: string): Promise<void> {
  const { deadlineAt, count = 1 } = approval
  const votes = count === 1 ? {} : { votes: 0, required: count }
  const item = {
    approval: JSON.stringify(approval),
    deadlineAt,
    callbackId,
    ...votes,
    expiration: expiryOf(deadlineAt),
  }
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
 * Adds the approval of one person to an approval that several people have to give. A person counts once.
 *
 * @param personId the id of the person at the platform
 * @returns the approval; undefined if it was not open, or if the person has approved before
 * @throws Failure `unavailable`
 */
export function saveVote(taskId: string, personId: string, vote: Decision): Promise<StoredApproval | undefined> {
  const condition = `${IS_OPEN} AND deadlineAt > :at AND attribute_not_exists(#vote)`
  const values = { vote: JSON.stringify(vote), one: 1, at: Date.parse(vote.at) }
  return change(taskId, 'SET #vote = :vote ADD votes :one', condition, values, { vote: voteNameOf(personId) })
}

function voteNameOf(personId: string): string {
  return `${VOTE_PREFIX}${createHash('sha256').update(personId.toLowerCase()).digest('hex').slice(0, 32)}`
}

/**
 * Ends the approval of another task, also before it is saved: then people are not asked.
 *
 * @param deadlineAt of the approval, in epoch milliseconds
 * @param end the cancellation of the other task, or why people could not be asked. Undefined if no one decided in time
 * @returns how the approval stands: it may have ended before
 * @throws Failure `unavailable`
 */
export async function endApproval(
  taskId: string,
  deadlineAt: number,
  end: { decision: Decision } | { failure: string } | undefined,
): Promise<ApprovalState & { callbackId: string | undefined }> {
  const key = itemKeys.approval(taskId)
  const [name, value] = endAttribute(end)
  const expiration = expiryOf(deadlineAt)
  const updated = await orUnavailable(
    update(key, 'SET #end = :end, deadlineAt = :deadlineAt, expiration = :expiration', {
      condition: `${NOT_ENDED} AND (attribute_not_exists(deadlineAt) OR deadlineAt = :deadlineAt)`,
      values: { end: value, deadlineAt, expiration },
      names: { end: name },
    }),
  )
  const item = updated ?? (await orUnavailable(get(key)))
  if (item && item['deadlineAt'] !== deadlineAt) {
    const ended = { [name]: value, deadlineAt, expiration }
    await orUnavailable(put(key, ended, { condition: 'deadlineAt <> :deadlineAt', values: { deadlineAt } }))
    return { ...stateOf(ended), callbackId: undefined }
  }
  const { callbackId } = item ?? {}
  return { ...stateOf(item ?? {}), callbackId: typeof callbackId === 'string' ? callbackId : undefined }
}

function endAttribute(end: Parameters<typeof endApproval>[2]): [name: string, value: string | boolean] {
  if (end === undefined) return ['isExpired', true]
  return 'decision' in end ? ['decision', JSON.stringify(end.decision)] : ['failure', end.failure]
}

/**
 * Reads how an approval stands, also before it is saved. The approval of an earlier task with the same id, which had another deadline,
 * approves nothing.
 *
 * @param deadlineAt of the approval, in epoch milliseconds
 * @throws Failure `unavailable`
 */
export async function readApprovalState(taskId: string, deadlineAt: number): Promise<ApprovalState> {
  const item = await orUnavailable(get(itemKeys.approval(taskId)))
  return stateOf(item?.['deadlineAt'] === deadlineAt ? item : {})
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
  names: Record<string, string> = {},
): Promise<StoredApproval | undefined> {
  return fromItem(await orUnavailable(update(itemKeys.approval(taskId), expression, { condition, values, names })))
}

function fromItem(item: Item = {}): StoredApproval | undefined {
  const { approval, callbackId, deadlineAt } = item
  if (typeof approval !== 'string' || typeof callbackId !== 'string') return undefined
  return {
    approval: JSON.parse(approval),
    callbackId,
    isDecidedByCallback: deadlineAt === undefined,
    ...stateOf(item),
  }
}

function stateOf(item: Item): ApprovalState {
  const { decision, isExpired, failure, required } = item
  const votes = Object.entries(item)
    .flatMap(([name, vote]): Decision[] => (name.startsWith(VOTE_PREFIX) ? [JSON.parse(String(vote))] : []))
    .sort((one, other) => one.at.localeCompare(other.at))
  const last = votes.at(-1)
  const approved =
    last && votes.length >= Number(required) ? { ...last, by: votes.map(({ by }) => by).join(', ') } : undefined
  return {
    decision: typeof decision === 'string' ? JSON.parse(decision) : approved,
    votes,
    isExpired: isExpired === true,
    failure: typeof failure === 'string' ? failure : undefined,
  }
}

function expiryOf(deadlineAt: number): number {
  return Math.floor(deadlineAt / 1_000) + TTL_SECONDS
}

async function orUnavailable<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent
  } catch (cause) {
    throw serviceUnavailable('The approval cannot be read or written now. Try again.', { cause })
  }
}
