import { log } from '../log.ts'
import { expiresIn, put } from './table.ts'

/** Longer than the maximum deadline. */
const TTL_SECONDS = 31 * 86_400
const WRITE_TIMEOUT_MS = 2_000

/**
 * Saves the id of the newest run of a caller in a context, so that a later call can stop it without knowing its id. Does not
 * throw: a run that is not saved can still be stopped by its id.
 */
export async function saveLastRun(key: string, runId: string): Promise<void> {
  try {
    await put(key, { runId, ...expiresIn(TTL_SECONDS) }, { timeoutMs: WRITE_TIMEOUT_MS })
  } catch (error) {
    log.warn('last run not saved: input.id=last does not find it', error as Error)
  }
}
