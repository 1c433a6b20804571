import { itemKeys } from './item-keys.ts'
import { expiresIn, expiresWithin, get, type Item, put, putIfAbsent } from './table.ts'

/** When an alert started and ended last, in epoch milliseconds: 0 if its source uses no key twice. */
export interface AlertTimes {
  opened?: number | undefined
  closed?: number | undefined
  /** The starts before `opened`, the oldest first: their ends may still wait in the queue. */
  earlier?: readonly number[]
  /** The newest start after `opened`, without an end in between. That end may arrive later. */
  newest?: number | undefined
  /** An alert that repeats must be saved again, so that its times are not deleted while it fires. */
  isExpiring?: boolean
}

const TIMES = ['opened', 'closed', 'newest'] as const
const TIMEOUT_MS = 5_000
/** An end that arrives before its start is stored for this time: longer than any sender retries. */
const CLOSED_TTL_SECONDS = 72 * 3_600
/** An alert about which nothing arrives for longer is new when something arrives. */
export const OPENED_TTL_SECONDS = 90 * 86_400
/** A notification renews what is stored for a shorter time. */
export const RENEWAL_SECONDS = 60 * 86_400

/** @throws the error of DynamoDB */
export async function readAlertTimes(source: string, digest: string): Promise<AlertTimes | undefined> {
  const item = await get(itemKeys.alert(source, digest))
  if (item === undefined) return undefined
  const earlier: number[] = JSON.parse(String(item['earlier'] ?? '[]'))
  const [opened, closed, newest] = TIMES.map((name) => numberIn(item[name]))
  const isExpiring = opened !== undefined && expiresWithin(item, RENEWAL_SECONDS)
  return { opened, closed, earlier, newest, isExpiring }
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
  { opened, closed, earlier = [], newest }: AlertTimes,
): Promise<boolean> {
  const key = itemKeys.alert(source, digest)
  const item = {
    opened,
    closed,
    newest,
    earlier: earlier.length === 0 ? undefined : JSON.stringify(earlier),
    ...expiresIn(opened === undefined ? CLOSED_TTL_SECONDS : OPENED_TTL_SECONDS),
  }
  if (before === undefined) return putIfAbsent(key, item, { timeoutMs: TIMEOUT_MS })
  const conditions = TIMES.map((name) =>
    before[name] === undefined ? `attribute_not_exists(${name})` : `${name} = :${name}`,
  )
  // A value that no condition names is an error.
  const values = { opened: before.opened, closed: before.closed, newest: before.newest }
  return put(key, item, { condition: conditions.join(' AND '), values, timeoutMs: TIMEOUT_MS })
}

function numberIn(value: Item[string]): number | undefined {
  return typeof value === 'number' ? value : undefined
}
