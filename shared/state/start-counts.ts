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

/** A start: the digest of its id, and when it was counted first, in epoch milliseconds. */
type Start = [digest: string, at: number]

/**
 * Counts a start, unless as many others have been counted in the period before now. Counts an id once: a start that is repeated is
 * within the limit.
 *
 * @param id of the task, or of a silent call
 * @param now epoch milliseconds
 * @returns when the next start may be counted, in epoch milliseconds; undefined if this one is counted
 * @throws Failure `unavailable`
 */
export async function countStart(
  { key, count, per }: CountedLimit,
  id: string,
  now: number,
): Promise<number | undefined> {
  const perMs = per * 1_000
  return change(key, per, (stored) => {
    const starts = stored.filter(([, at]) => at > now - perMs)
    if (stored.some(([digest]) => digest === digestOf(id))) return { result: undefined }
    const oldest = starts.at(-count)
    return oldest
      ? { result: oldest[1] + perMs }
      : { result: undefined, starts: [...starts, [digestOf(id), now] satisfies Start] }
  })
}

/**
 * Gives the place of a start back that has certainly written nothing. Repeating it does no harm.
 *
 * @throws Failure `unavailable`
 */
export async function giveStartBack({ key, per }: CountedLimit, id: string): Promise<void> {
  await change(key, per, (stored) => {
    const starts = stored.filter(([digest]) => digest !== digestOf(id))
    return starts.length === stored.length ? { result: undefined } : { result: undefined, starts }
  })
}

/** Reads the item, and writes it unless another one has written it in the meantime. */
async function change<T>(
  key: string,
  per: number,
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
