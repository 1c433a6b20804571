import { itemKeys } from './item-keys.ts'
import { expiresIn, get, type Item, put, putIfAbsent } from './table.ts'

/** When an alert started and ended last, in epoch milliseconds: 0 if its source uses no key twice. */
export interface AlertTimes {
  opened?: number | undefined
  closed?: number | undefined
}

const TIMEOUT_MS = 5_000
/** An end that arrives before its start is stored for this time: longer than any sender retries. */
const CLOSED_TTL_SECONDS = 72 * 3_600
/** An alert that ends later closes nothing. */
const OPENED_TTL_SECONDS = 90 * 86_400

/** @throws the error of DynamoDB */
export async function readAlertTimes(source: string, digest: string): Promise<AlertTimes | undefined> {
  const item = await get(itemKeys.alert(source, digest))
  return item && { opened: numberIn(item['opened']), closed: numberIn(item['closed']) }
}

/**
 * Saves the times of an alert, unless they have changed since they were read.
 *
 * @param before undefined if there was no item
 * @returns whether they were saved
 * @throws the error of DynamoDB
 */
export function saveAlertTimes(
  source: string,
  digest: string,
  before: AlertTimes | undefined,
  after: AlertTimes,
): Promise<boolean> {
  const key = itemKeys.alert(source, digest)
  const item = { ...after, ...expiresIn(after.opened === undefined ? CLOSED_TTL_SECONDS : OPENED_TTL_SECONDS) }
  if (before === undefined) return putIfAbsent(key, item, { timeoutMs: TIMEOUT_MS })
  const conditions = (['opened', 'closed'] as const).map((name) =>
    before[name] === undefined ? `attribute_not_exists(${name})` : `${name} = :${name}`,
  )
  const values = Object.fromEntries(Object.entries(before).filter(([, value]) => value !== undefined))
  return put(key, item, { condition: conditions.join(' AND '), values, timeoutMs: TIMEOUT_MS })
}

function numberIn(value: Item[string]): number | undefined {
  return typeof value === 'number' ? value : undefined
}
