import { itemKeys } from './item-keys.ts'
import { get, putIfAbsent } from './table.ts'

/** The one item with all stops, as it is stored. */
export interface StoredStops {
  /** Increases with each change. */
  version: number
  /** JSON. */
  stops: string
  seal: string
}

/** An operator or a call waits for it. */
const TIMEOUT_MS = 5_000

/**
 * Reads the item with all stops, including the latest change.
 *
 * @returns undefined if no stop was ever set
 * @throws the error of DynamoDB
 */
export async function getStops(): Promise<StoredStops | undefined> {
  const item = await get(itemKeys.stops, { timeoutMs: TIMEOUT_MS })
  return item && { version: Number(item['version']), stops: String(item['stops']), seal: String(item['seal']) }
}

/**
 * Replaces the item with all stops, unless someone else has replaced it since it was read. It does not expire.
 *
 * @param before the item that was read
 * @returns false if someone has
 * @throws the error of DynamoDB
 */
export async function replaceStops(item: StoredStops, before: StoredStops | undefined): Promise<boolean> {
  return putIfAbsent(
    itemKeys.stops,
    { ...item },
    {
      // An item that something else has written may have any form, and must be replaceable.
      condition: 'seal = :before OR NOT attribute_type(seal, :text)',
      values: { before: before?.seal ?? '', text: 'S' },
    },
  )
}
