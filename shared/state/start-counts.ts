import { createHash } from 'node:crypto'
import { Failure, serviceUnavailable } from '../errors.ts'
import { sleep } from '../sleep.ts'
import { itemKeys } from './item-keys.ts'
import { expiresIn, get, put } from './table.ts'

const TIMEOUT_MS = 5_000
/** Other tasks that start at the same time change the item, too. */
const MAX_ATTEMPTS = 20
const MAX_PAUSE_MS = 200

/** A limit of starts for a target. */
export interface CountedLimit {
  /** Names the target. */
  key: string
  count: number
  /** The period, in seconds. */
  per: number
}

/** A start: the digest of its id, and when it was counted, in epoch milliseconds. */
type Start = [digest: string, at: number]

/** A start that is counted again so soon keeps its time, and writes nothing. */
const RECOUNT_MS = 10_000

/**
 * Counts a start, unless as many others have been counted in the period before now. An id counts once, with its latest time: between its
 * first and its last attempt, hours may pass.
 *
 * @param id of the task, or of a silent call
 * @param now epoch milliseconds
 * @param isAllowed counts it above the limit, too
 * @returns when the next start may be counted, in epoch milliseconds; undefined if this one is counted
 * @throws Failure `unavailable`
 */
export async function countStart(
  limit: CountedLimit,
  id: string,
  now: number,
  isAllowed = false,
): Promise<number | undefined> {
  return change(limit, (stored) => {
    const { own, others, opensAt } = stateOf(stored, limit, id, now)
    if (own !== undefined && now - own < RECOUNT_MS) return { result: undefined }
    if (opensAt !== undefined && !isAllowed) return { result: opensAt }
    return { result: undefined, starts: [...others, [digestOf(id), now] satisfies Start] }
  })
}

/**
 * Returns when an action may start, in epoch milliseconds. Counts nothing.
 *
 * @returns undefined if it may start now
 * @throws Failure `unavailable`
 */
export async function nextStartAt(limit: CountedLimit, id: string, now: number): Promise<number | undefined> {
  return change(limit, (stored) => ({ result: stateOf(stored, limit, id, now).opensAt }))
}

function stateOf(stored: readonly Start[], { count, per }: CountedLimit, id: string, now: number) {
  const perMs = per * 1_000
  const starts = stored.filter(([, at]) => at > now - perMs)
  const own = starts.find(([digest]) => digest === digestOf(id))?.[1]
  const others = starts.filter(([digest]) => digest !== digestOf(id))
  const oldest = others.at(-count)
  return { own, others, opensAt: own === undefined && oldest ? oldest[1] + perMs : undefined }
}

/** Reads the item, and writes it unless another one has written it in the meantime. */
async function change<T>(
  { key, per }: CountedLimit,
  decide: (starts: Start[]) => { result: T; starts?: Start[] },
): Promise<T> {
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const item = await get(itemKeys.starts(key))
      const { result, starts } = decide(JSON.parse(String(item?.['starts'] ?? '[]')))
      if (!starts) return result
      const version = Number(item?.['version'] ?? 0)
      const isWritten = await put(
        itemKeys.starts(key),
        {
          starts: JSON.stringify(starts.toSorted(([, a], [, b]) => a - b)),
          version: version + 1,
          ...expiresIn(2 * per),
        },
        {
          condition: item ? 'version = :version' : 'attribute_not_exists(id)',
          values: item ? { version } : {},
          timeoutMs: TIMEOUT_MS,
        },
      )
      if (isWritten) return result
      await sleep(Math.random() * MAX_PAUSE_MS)
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw serviceUnavailable('The starts of actions cannot be counted now. Send the call again.', { after: 5, cause })
  }
  throw serviceUnavailable('Many actions start for the same target at this moment. Send the call again.', { after: 5 })
}

/** A thousand complete ids would make the item large. */
function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 16)
}
