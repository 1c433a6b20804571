import { createHash } from 'node:crypto'

/**
 * Returns what identifies a call of a rule within its source. The same alert in the same state is the same call.
 *
 * @param occurrence the start of the alert
 */
export function callKeyOf(
  { key, state }: { key: string; state: 'firing' | 'resolved' },
  rule: string,
  occurrence: number,
): string {
  return JSON.stringify([rule, key, occurrence, state])
}

/** Returns the form of a key that fits in an item and an id. */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
