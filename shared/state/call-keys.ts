import { itemKeys } from './item-keys.ts'
import { expiresIn, get, putIfAbsent } from './table.ts'

const TIMEOUT_MS = 5_000

/** A key, with the caller and the action that it is for. */
interface CallKey {
  category: string
  caller: string
  action: string
  key: string
}

/**
 * Claims a key for a call, before the call starts anything.
 *
 * @param callId depends on everything that makes requests the same call
 * @returns the id of the call that has claimed the key
 * @throws the error of DynamoDB
 */
export async function claimCallKey(
  { category, caller, action, key }: CallKey,
  callId: string,
  ttlSeconds: number,
): Promise<string> {
  const itemKey = itemKeys.callKey(category, `${caller}#${action}#${key}`)
  if (await putIfAbsent(itemKey, { callId, ...expiresIn(ttlSeconds) }, { timeoutMs: TIMEOUT_MS })) return callId
  const claimed = (await get(itemKey))?.['callId']
  if (typeof claimed === 'string') return claimed
  throw new Error('The claim was deleted between two requests.')
}
