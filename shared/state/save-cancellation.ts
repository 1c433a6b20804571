import { itemKeys } from './item-keys.ts'
import { expiresIn, put } from './table.ts'

/** Longer than the maximum deadline. */
const TTL_SECONDS = 31 * 86_400
const WRITE_TIMEOUT_MS = 5_000

/**
 * Saves the request to cancel a task, which the task reads. A repeat changes nothing.
 *
 * @param by the name of the caller
 * @throws the error of DynamoDB
 */
export async function saveCancellation(category: string, taskId: string, by: string): Promise<void> {
  const item = { canceledBy: by, ...expiresIn(TTL_SECONDS) }
  await put(itemKeys.cancellation(category, taskId), item, { timeoutMs: WRITE_TIMEOUT_MS })
}
