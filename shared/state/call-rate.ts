import { log } from '../log.ts'
import { itemKeys } from './item-keys.ts'
import { update } from './table.ts'

const MINUTE_SECONDS = 60
const TIMEOUT_MS = 1_000

/**
 * Counts a call of a caller in the current clock minute. If the table is not available, the call counts as the first one: a limit
 * must not stop all calls.
 *
 * @param now epoch milliseconds
 */
export async function countCall(
  category: string,
  caller: string,
  now: number,
): Promise<{ calls: number; secondsLeft: number }> {
  const seconds = Math.floor(now / 1_000)
  const minute = Math.floor(seconds / MINUTE_SECONDS)
  const secondsLeft = (minute + 1) * MINUTE_SECONDS - seconds
  try {
    const item = await update(
      itemKeys.rate(category, `${caller}#${minute}`),
      'ADD calls :one SET expiration = :expiration',
      {
        values: { one: 1, expiration: (minute + 2) * MINUTE_SECONDS },
        timeoutMs: TIMEOUT_MS,
      },
    )
    return { calls: Number(item?.['calls'] ?? 1), secondsLeft }
  } catch (error) {
    log.warn('call not counted', error as Error)
    return { calls: 1, secondsLeft }
  }
}
