import { readIdentityKey } from '../auth/identity-key.ts'
import { canonicalJson } from '../canonical-json.ts'
import { Failure } from '../errors.ts'
import { hmacHex } from '../hmac.ts'
import { log } from '../log.ts'

/**
 * Returns the digest of a completed input, for the audit record: equal inputs have equal digests. It is an HMAC: from a plain
 * hash, a reader of the log could guess a short secret in the input.
 *
 * Does not throw: a call without an id needs the key for nothing else, and runs without it.
 */
export async function digestInput(input: unknown): Promise<string | undefined> {
  try {
    return hmacHex(await readIdentityKey(), `input ${canonicalJson(input)}`)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    log.warn('input not digested', { kind: error.kind, reason: error.message })
    return undefined
  }
}
