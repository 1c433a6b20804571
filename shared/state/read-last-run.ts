import { serviceUnavailable } from '../errors.ts'
import { get } from './table.ts'

// Apart from saveLastRun: the webhook's role may read this item and the task's role may write it.

/**
 * Reads the id that `saveLastRun` saved.
 *
 * @returns undefined if no run was started, or if it was too long ago
 * @throws Failure `unavailable`
 */
export async function readLastRun(key: string): Promise<string | undefined> {
  try {
    const item = await get(key)
    return item?.['runId'] as string | undefined
  } catch (cause) {
    throw serviceUnavailable('The last run cannot be read from the table now. Send the call again.', { cause })
  }
}
