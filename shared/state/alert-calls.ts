import { OPENED_TTL_SECONDS, RENEWAL_SECONDS } from './alerts.ts'
import { itemKeys } from './item-keys.ts'
import { expiresIn, expiresWithin, get, put, putIfAbsent, update } from './table.ts'

/** A call that a rule makes for an alert. */
export interface AlertCall {
  /** JSON. The call is always made with it, so a repeat is the same call even if the notification has other texts. */
  call: string
  /** The task that the webhook has started. */
  taskId?: string | undefined
  /** The webhook has refused the call. */
  isRefused?: boolean
  /** The call was not made: the call of its group counts it. */
  isGrouped?: boolean
  /** The start of the period of its group, until the call is counted there. */
  countedIn?: number | undefined
  /** The call must no longer be made: the alert has ended, and nothing would close what it opens. */
  isEnded?: boolean
}

/** The rule and the input of a call that is made only if an end from before its alert arrives. */
export interface LaterCall {
  rule: string
  input: Record<string, unknown>
  group?: string | undefined
}

const TIMEOUT_MS = 5_000
/** Longer than any sender retries. */
const LATER_TTL_SECONDS = 72 * 3_600
/** As long as the times of an alert are stored. */
const TTL_SECONDS = OPENED_TTL_SECONDS

/** The call is not made, or was refused. A repeat may have started a task although the webhook has refused another attempt. */
const IS_REPLACEABLE = '((attribute_exists(isRefused) AND attribute_not_exists(taskId)) OR attribute_exists(later))'

/**
 * Stores a call before it is made. A call that was refused may be replaced by another one.
 *
 * @returns the call that is stored
 * @throws the error of DynamoDB
 */
export async function storeCall(source: string, digest: string, call: string): Promise<AlertCall> {
  const key = itemKeys.alertCall(source, digest)
  const options = { condition: IS_REPLACEABLE, timeoutMs: TIMEOUT_MS }
  if (await putIfAbsent(key, { call, ...expiresIn(TTL_SECONDS) }, options)) return { call }
  const stored = await readAlertCall(source, digest)
  if (stored) return stored
  throw new Error('The call was deleted between two requests.')
}

/**
 * Reads a call, and stores it for longer if its alert still repeats when it would soon be deleted.
 *
 * @throws the error of DynamoDB
 */
export async function readAlertCall(source: string, digest: string): Promise<AlertCall | undefined> {
  const key = itemKeys.alertCall(source, digest)
  const item = await get(key)
  if (item === undefined || item['later'] !== undefined) return undefined
  if (expiresWithin(item, RENEWAL_SECONDS))
    await update(key, 'SET expiration = :expiration', {
      condition: 'attribute_exists(id)',
      values: expiresIn(TTL_SECONDS),
      timeoutMs: TIMEOUT_MS,
    })
  const { call, taskId, isRefused, isGrouped, countedIn, isEnded } = item
  return {
    call: String(call),
    taskId: taskId === undefined ? undefined : String(taskId),
    isRefused: isRefused === true,
    isGrouped: isGrouped === true,
    countedIn: typeof countedIn === 'number' ? countedIn : undefined,
    isEnded: isEnded === true,
  }
}

/**
 * Stores a call that is not made now, unless it is stored already.
 *
 * @throws the error of DynamoDB
 */
export async function saveLaterCall(source: string, digest: string, call: LaterCall): Promise<void> {
  const item = { later: JSON.stringify(call), ...expiresIn(LATER_TTL_SECONDS) }
  await putIfAbsent(itemKeys.alertCall(source, digest), item, { timeoutMs: TIMEOUT_MS })
}

/**
 * Returns a call that is stored for later, or that was stored and has not been made.
 *
 * @throws the error of DynamoDB
 */
export async function readLaterCall(source: string, digest: string, rule: string): Promise<LaterCall | undefined> {
  const item = await get(itemKeys.alertCall(source, digest))
  if (item?.['later'] !== undefined) return JSON.parse(String(item['later']))
  const isWaiting = item?.['call'] !== undefined && item['taskId'] === undefined && item['isRefused'] === undefined
  return isWaiting ? { rule, input: JSON.parse(String(item['call'])).input } : undefined
}

/**
 * Records that a call must no longer be made, unless it is stored already.
 *
 * @returns whether it was recorded
 * @throws the error of DynamoDB
 */
export function saveEndedCall(source: string, digest: string): Promise<boolean> {
  const item = { isEnded: true, ...expiresIn(TTL_SECONDS) }
  return putIfAbsent(itemKeys.alertCall(source, digest), item, { condition: IS_REPLACEABLE, timeoutMs: TIMEOUT_MS })
}

/**
 * Records that a call is not made, and in which period the call of its group counts it.
 *
 * @throws the error of DynamoDB
 */
export async function saveGroupedCall(source: string, digest: string, countedIn: number): Promise<void> {
  const item = { isGrouped: true, countedIn, ...expiresIn(TTL_SECONDS) }
  const options = { condition: 'attribute_exists(later)', timeoutMs: TIMEOUT_MS }
  await putIfAbsent(itemKeys.alertCall(source, digest), item, options)
}

/**
 * Records that a call is counted. A repeat does not count it again.
 *
 * @throws the error of DynamoDB
 */
export async function saveCountedCall(source: string, digest: string): Promise<void> {
  await update(itemKeys.alertCall(source, digest), 'REMOVE countedIn', { timeoutMs: TIMEOUT_MS })
}

/** @throws the error of DynamoDB */
export async function saveTaskOfCall(source: string, digest: string, taskId: string): Promise<void> {
  await update(itemKeys.alertCall(source, digest), 'SET taskId = :taskId', {
    values: { taskId },
    timeoutMs: TIMEOUT_MS,
  })
}

/**
 * Records that a call was refused, unless it has started a task or was replaced.
 *
 * @throws the error of DynamoDB
 */
export async function saveRefusalOfCall(source: string, digest: string, call: string): Promise<void> {
  await put(
    itemKeys.alertCall(source, digest),
    { call, isRefused: true, ...expiresIn(TTL_SECONDS) },
    { condition: 'attribute_not_exists(taskId) AND #call = :call', values: { call }, timeoutMs: TIMEOUT_MS },
  )
}
