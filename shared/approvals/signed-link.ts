import * as z from 'zod/mini'
import { readSecret } from '../aws/deployment-secrets.ts'
import { Failure } from '../errors.ts'
import { optional, secret } from '../fields.ts'
import { hmacHex, isSame } from '../hmac.ts'
import { registerSecret } from '../redact.ts'
import { parseCompactToken } from './compact-token.ts'

/** The secret `approvals`. Links that the previous key signed stay valid until they expire. */
const approvalsSecret = z.strictObject({
  key: secret('Signs links and buttons: at least 32 random characters').check(z.minLength(32)),
  previousKey: optional(secret('The previous key').check(z.minLength(32))),
})

/** For a token with an unknown signature, the secret is read again, but at most this often. */
const KEY_RECHECK_MS = 15_000
let checkedAt = 0

/** A token is for one use: that of a link that only shows an approval cannot decide it. */
type TokenUse = 'approval' | 'read'
const DECIDE = 'approval'

/**
 * Returns the token that a link or a button of an approval carries: the task and the expiry, signed.
 *
 * @param expiresAt epoch seconds
 * @returns about 115 characters of A-Z a-z 0-9 - _ and dots
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function signToken(taskId: string, expiresAt: number, use: TokenUse = DECIDE): Promise<string> {
  const { key } = await readSecret('approvals', approvalsSecret)
  const claim = `${taskId}.${expiresAt.toString(36)}`
  const signature = sign(key, use, claim)
  // `redact` recognizes complete tokens. A platform may also repeat the signature alone.
  registerSecret(signature)
  return `${claim}.${signature}`
}

/**
 * Verifies a token, also one that `compactButton` shortened.
 *
 * @param now epoch milliseconds
 * @throws Failure `unauthenticated` if the signature is not valid
 */
export async function verifyToken(
  token: string,
  now: number,
  use: TokenUse = DECIDE,
): Promise<{ taskId: string; isExpired: boolean }> {
  const parts = parseCompactToken(token) ?? parseToken(token)
  if (!parts) throw invalidLink()
  const { taskId, expiresAt, signature } = parts
  if (!(await isSigned(use, `${taskId}.${expiresAt.toString(36)}`, signature, now))) throw invalidLink()
  return { taskId, isExpired: expiresAt * 1_000 < now }
}

function parseToken(token: string) {
  const [, taskId, expiry, signature] = /^([0-9a-f]{40})\.([0-9a-z]{1,10})\.([0-9a-f]{64})$/.exec(token) ?? []
  if (taskId === undefined || expiry === undefined || signature === undefined) return undefined
  const expiresAt = Number.parseInt(expiry, 36)
  // Only the text that was signed.
  return expiresAt.toString(36) === expiry ? { taskId, expiresAt, signature } : undefined
}

/** @param signature the complete signature, or the part in a shortened token */
async function isSigned(use: TokenUse, claim: string, signature: string, now: number): Promise<boolean> {
  const check = async (fresh: boolean) => {
    const { key, previousKey } = await readSecret('approvals', approvalsSecret, { fresh })
    const keys = previousKey === undefined ? [key] : [key, previousKey]
    // Compares with every key, so that the duration does not show which one matches.
    return (
      keys.filter((candidate) => isSame(sign(candidate, use, claim).slice(0, signature.length), signature)).length > 0
    )
  }
  if (await check(false)) return true
  if (now - checkedAt < KEY_RECHECK_MS) return false
  checkedAt = now
  return check(true)
}

function sign(key: string, use: TokenUse, claim: string): string {
  return hmacHex(key, `${use}.${claim}`)
}

function invalidLink(): Failure {
  return new Failure('unauthenticated', 'This link is not valid.')
}
