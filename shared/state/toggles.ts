import { serviceUnavailable } from '../errors.ts'
import { itemKeys } from './item-keys.ts'
import { expiresIn, get, putIfAbsent } from './table.ts'

/** Longer than the maximum deadline. */
const TTL_SECONDS = 31 * 86_400
const WRITE_TIMEOUT_MS = 5_000

/**
 * Decides the state to which a call switches a flag, before anything is written. A repeat of the call gets the first decision,
 * although the flag may have been switched since.
 *
 * @param key the idempotency key
 * @throws Failure `unavailable`
 */
export async function decideState(key: string, on: boolean): Promise<boolean> {
  try {
    const item = { on, ...expiresIn(TTL_SECONDS) }
    if (await putIfAbsent(itemKeys.toggle(key), item, { timeoutMs: WRITE_TIMEOUT_MS })) return on
    const decided = await get(itemKeys.toggle(key))
    if (typeof decided?.['on'] === 'boolean') return decided['on']
    throw new Error('The decision was deleted between two requests.')
  } catch (cause) {
    throw serviceUnavailable(
      'The state table is not available, so it cannot be recorded to which state the flag is switched. Nothing was changed.',
      { cause },
    )
  }
}
