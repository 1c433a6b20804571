import { itemKeys } from './item-keys.ts'
import type { Canceler } from './save-cancellation.ts'
import { get } from './table.ts'

// Not in the module of saveCancellation: the role of the task may only read this item, that of the webhook may only write it.

/**
 * Reads who canceled a task.
 *
 * @returns undefined if no one has
 * @throws the error of DynamoDB
 */
export async function readCancellation(category: string, taskId: string): Promise<Canceler | undefined> {
  const { canceledBy: by, operator } = (await get(itemKeys.cancellation(category, taskId))) ?? {}
  return by === undefined
    ? undefined
    : { by: String(by), ...(operator === undefined ? {} : { operator: String(operator) }) }
}
