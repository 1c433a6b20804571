import { log } from '../log.ts'
import { itemKeys } from './item-keys.ts'
import { expiresIn, get, put } from './table.ts'

/** As long as Lambda keeps an ended execution. */
const TTL_SECONDS = 14 * 86_400
const TIMEOUT_MS = 2_000

/**
 * Marks that a task has ended, so that those who wait for its end need not read its execution again and again: Lambda allows few reads
 * in an account. The result is that of the execution. Does not throw: without the marker, the end is noticed later.
 */
export async function markEnd({ category, id }: { category: string; id: string }): Promise<void> {
  try {
    await put(itemKeys.taskEnd(category, id), expiresIn(TTL_SECONDS), { timeoutMs: TIMEOUT_MS })
  } catch (error) {
    log.warn('end of the task not marked', error as Error)
  }
}

/**
 * Returns whether a task is marked as ended.
 *
 * @throws the error of DynamoDB
 */
export async function isMarkedAsEnded(category: string, taskId: string): Promise<boolean> {
  return (await get(itemKeys.taskEnd(category, taskId), { timeoutMs: TIMEOUT_MS })) !== undefined
}
