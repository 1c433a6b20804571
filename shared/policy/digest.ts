import { createHash } from 'node:crypto'
import { canonicalJson } from '../canonical-json.ts'
import type { Policy } from './policy.ts'

const LENGTH = 12

/**
 * Returns the digest by which records and people name a compiled policy: the start of its SHA-256. Two files that restrict the same calls in
 * the same way have one digest, regardless of comments and the order of fields.
 *
 * @example '0f3a9c81d2e4'
 */
export function policyDigest(policy: Policy): string {
  return createHash('sha256').update(canonicalJson(policy)).digest('hex').slice(0, LENGTH)
}
