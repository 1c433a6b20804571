import { itemKeys } from './item-keys.ts'
import { get, putIfAbsent } from './table.ts'

/** A copy of a message is useless after a year: its key has probably been rotated. */
const TTL_SECONDS = 365 * 86_400
const TIMEOUT_MS = 2_000

/**
 * Saves the first use of a signed message.
 *
 * @param digest of the message
 * @param target the action and the query for which the message was used
 * @param now epoch milliseconds
 * @returns the first use
 * @throws the error of DynamoDB
 */
export async function saveFirstUse(
  caller: string,
  digest: string,
  target: string,
  now: number,
): Promise<{ target: string; at: number }> {
  const key = itemKeys.signedMessage(caller, digest)
  const item = { target, at: now, expiration: Math.floor(now / 1_000) + TTL_SECONDS }
  if (await putIfAbsent(key, item, { timeoutMs: TIMEOUT_MS })) return { target, at: now }
  const first = await get(key)
  return { target: String(first?.['target'] ?? target), at: Number(first?.['at'] ?? now) }
}
