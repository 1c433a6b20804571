import { itemKeys } from './item-keys.ts'
import { expiresIn, get, putIfAbsent, update } from './table.ts'

/** A group of alerts in one period. */
export interface AlertGroupState {
  /** How many alerts made no call of their own. If this was interrupted, one fewer. */
  more: number
  /** The message for the end of the period is in the queue. */
  isQueued: boolean
}

const TIMEOUT_MS = 5_000
/** Longer than a period and the retries after it. */
const TTL_SECONDS = 16 * 86_400

/**
 * Returns the start of the current period of a group, in epoch milliseconds. A period starts with the first alert after the one before.
 *
 * @throws the error of DynamoDB
 */
export async function startOfPeriod(source: string, digest: string, periodMs: number): Promise<number> {
  const now = Date.now()
  const started = await putIfAbsent(
    itemKeys.alertGroup(source, digest),
    { start: now, ...expiresIn(TTL_SECONDS) },
    { condition: '#start <= :before', values: { before: now - periodMs }, timeoutMs: TIMEOUT_MS },
  )
  if (started) return now
  const start = (await get(itemKeys.alertGroup(source, digest)))?.['start']
  if (typeof start === 'number') return start
  throw new Error('The period was deleted between two requests.')
}

/**
 * Takes one of the places of a group, once for each member.
 *
 * @param digest of the group and its period
 * @param member a digest
 * @returns false if all places are taken by others
 * @throws the error of DynamoDB
 */
export async function takeGroupPlace(source: string, digest: string, member: string, max: number): Promise<boolean> {
  const key = itemKeys.alertGroup(source, digest)
  const names = { member: `m_${member.slice(0, 32)}` }
  const taken = await update(
    key,
    'SET #member = :yes, expiration = :expiration, taken = if_not_exists(taken, :none) + :one',
    {
      condition: 'attribute_not_exists(#member) AND (attribute_not_exists(taken) OR taken < :max)',
      names,
      values: { yes: true, none: 0, one: 1, max, ...expiresIn(TTL_SECONDS) },
      timeoutMs: TIMEOUT_MS,
    },
  )
  return taken !== undefined || (await get(key))?.[names.member] === true
}

/**
 * Counts a member without a place, once.
 *
 * @throws the error of DynamoDB
 */
export async function countOther(source: string, digest: string, member: string): Promise<AlertGroupState> {
  const isNew = await putIfAbsent(
    itemKeys.alertGroup(source, `${digest}#${member.slice(0, 32)}`),
    expiresIn(TTL_SECONDS),
    { timeoutMs: TIMEOUT_MS },
  )
  if (isNew)
    await update(itemKeys.alertGroup(source, digest), 'ADD more :one', { values: { one: 1 }, timeoutMs: TIMEOUT_MS })
  return readGroup(source, digest)
}

/** @throws the error of DynamoDB */
export async function readGroup(source: string, digest: string): Promise<AlertGroupState> {
  const item = await get(itemKeys.alertGroup(source, digest))
  return { more: Number(item?.['more'] ?? 0), isQueued: item?.['isQueued'] === true }
}

/** @throws the error of DynamoDB */
export async function saveGroupQueued(source: string, digest: string): Promise<void> {
  await update(itemKeys.alertGroup(source, digest), 'SET isQueued = :yes', {
    values: { yes: true },
    timeoutMs: TIMEOUT_MS,
  })
}
