import { itemKeys } from './item-keys.ts'
import { expiresIn, get, put, putIfAbsent, update } from './table.ts'

/** A call that a rule makes for an alert. */
export interface StoredCall {
  /** JSON. The call is always made with it, so a repeat is the same call even if the notification has other texts. */
  call: string
  /** The task that the webhook has started. */
  taskId?: string | undefined
  /** The webhook has refused the call. */
  isRefused?: boolean
  /** The call was not made: the call of its group counts it. */
  isGrouped?: boolean
}

const TIMEOUT_MS = 5_000
/** As long as the times of an alert are stored. */
const TTL_SECONDS = 90 * 86_400

/**
 * Stores a call before it is made. A call that was refused may be replaced by another one.
 *
 * @returns the call that is stored
 * @throws the error of DynamoDB
 */
export async function storeCall(source: string, digest: string, call: string): Promise<StoredCall> {
  const key = itemKeys.alertCall(source, digest)
  const options = { condition: 'attribute_exists(isRefused)', timeoutMs: TIMEOUT_MS }
  if (await putIfAbsent(key, { call, ...expiresIn(TTL_SECONDS) }, options)) return { call }
  const stored = await readCall(source, digest)
  if (stored) return stored
  throw new Error('The call was deleted between two requests.')
}

/** @throws the error of DynamoDB */
export async function readCall(source: string, digest: string): Promise<StoredCall | undefined> {
  const item = await get(itemKeys.alertCall(source, digest))
  if (item === undefined) return undefined
  const { call, taskId, isRefused, isGrouped } = item
  return {
    call: String(call),
    taskId: taskId === undefined ? undefined : String(taskId),
    isRefused: isRefused === true,
    isGrouped: isGrouped === true,
  }
}

/** @throws the error of DynamoDB */
export async function saveGroupedCall(source: string, digest: string): Promise<void> {
  const item = { isGrouped: true, ...expiresIn(TTL_SECONDS) }
  await putIfAbsent(itemKeys.alertCall(source, digest), item, { timeoutMs: TIMEOUT_MS })
}

/** @throws the error of DynamoDB */
export async function saveTaskOfCall(source: string, digest: string, taskId: string): Promise<void> {
  await update(itemKeys.alertCall(source, digest), 'SET taskId = :taskId', {
    values: { taskId },
    timeoutMs: TIMEOUT_MS,
  })
}

/**
 * Records that a call was refused, unless it has started a task.
 *
 * @throws the error of DynamoDB
 */
export async function saveRefusalOfCall(source: string, digest: string, call: string): Promise<void> {
  await put(
    itemKeys.alertCall(source, digest),
    { call, isRefused: true, ...expiresIn(TTL_SECONDS) },
    { condition: 'attribute_not_exists(taskId)', timeoutMs: TIMEOUT_MS },
  )
}
