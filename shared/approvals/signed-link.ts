import * as z from 'zod/mini'
import { hmacHex, isSame } from '../auth/hmac.ts'
import { readSecret } from '../auth/secrets.ts'
import { Failure } from '../errors.ts'
import { optional, secret } from '../fields.ts'
import { registerSecret } from '../redact.ts'

/**
 * What a link or a button of an approval carries: which task is meant and until when, signed. It is bound to its task, ends
 * with it, and says nothing of the callback behind it.
 */

/** The secret `approvals`: the key that signs, and the one before it, whose links are good until they end. */
const approvalsSecret = z.strictObject({
  key: secret('Signs links and buttons: at least 32 random characters').check(z.minLength(32)),
  previousKey: optional(secret('The key before it').check(z.minLength(32))),
})

/** A key that was just changed is seen this soon, in milliseconds. */
const freshest = 15_000
let readAt = 0

/**
 * @param until epoch seconds
 * @returns some 115 characters of A-Z a-z 0-9 - _ and dots
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function referenceTo(taskId: string, until: number): Promise<string> {
  const { key } = await readSecret('approvals', approvalsSecret)
  const claim = `${taskId}.${until.toString(36)}`
  const signature = sign(key, claim)
  // `mask` recognizes a whole reference; this is for a platform that repeats the signature alone.
  registerSecret(signature)
  return `${claim}.${signature}`
}

/**
 * What a reference says.
 *
 * @param now epoch milliseconds
 * @throws Failure `unauthenticated` for one that we have not made
 */
export async function readReference(reference: string, now: number): Promise<{ taskId: string; expired: boolean }> {
  const [, taskId, until, signature] = /^([0-9a-f]{40})\.([0-9a-z]{1,10})\.([0-9a-f]{64})$/.exec(reference) ?? []
  if (taskId === undefined || until === undefined || signature === undefined) throw forged()
  if (!(await isSigned(`${taskId}.${until}`, signature, now))) throw forged()
  return { taskId, expired: Number.parseInt(until, 36) * 1_000 < now }
}

async function isSigned(claim: string, signature: string, now: number): Promise<boolean> {
  const check = async (fresh: boolean) => {
    const { key, previousKey } = await readSecret('approvals', approvalsSecret, { fresh })
    const keys = previousKey === undefined ? [key] : [key, previousKey]
    const expected = keys.map((one) => sign(one, claim))
    // All of them, whichever fits: how long it takes says nothing.
    return expected.filter((one) => isSame(one, signature)).length > 0
  }
  if (await check(false)) return true
  if (now - readAt < freshest) return false
  readAt = now
  return check(true)
}

function sign(key: string, claim: string): string {
  return hmacHex(key, `approval.${claim}`)
}

function forged(): Failure {
  return new Failure('unauthenticated', 'This link is not one of ours, or was altered.')
}
