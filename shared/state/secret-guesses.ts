import { itemKeys } from './item-keys.ts'
import { update } from './table.ts'

const HOUR_SECONDS = 3_600
const TIMEOUT_MS = 2_000

/**
 * Counts a call that contained a stored credential.
 *
 * @returns how many such calls the caller has made in this clock hour
 * @throws the error of DynamoDB
 */
export async function countGuess(category: string, caller: string): Promise<number> {
  const hour = Math.floor(Date.now() / 1_000 / HOUR_SECONDS)
  const item = await update(
    itemKeys.guesses(category, `${caller}#${hour}`),
    'ADD guesses :one SET expiration = :expiration',
    { values: { one: 1, expiration: (hour + 2) * HOUR_SECONDS }, timeoutMs: TIMEOUT_MS },
  )
  return Number(item?.['guesses'] ?? 1)
}
