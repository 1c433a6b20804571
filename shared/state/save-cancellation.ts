import { itemKeys } from './item-keys.ts'
import { expiresIn, put } from './table.ts'

/** Longer than the maximum deadline. */
const TTL_SECONDS = 31 * 86_400
const WRITE_TIMEOUT_MS = 5_000

/** The caller or the operator who cancels a task. */
export interface Canceler {
  /** The name that messages show. */
  by: string
  /** The ARN of an operator, for the audit trail. */
  operator?: string | undefined
}

/**
 * Saves the request to cancel a task, which the task reads. A repeat changes nothing.
 *
 * @throws the error of DynamoDB
 */
export async function saveCancellation(category: string, taskId: string, { by, operator }: Canceler): Promise<void> {
  const item = { canceledBy: by, ...(operator === undefined ? {} : { operator }), ...expiresIn(TTL_SECONDS) }
  await put(itemKeys.cancellation(category, taskId), item, { timeoutMs: WRITE_TIMEOUT_MS })
}
