import { createHash } from 'node:crypto'
import { type SignatureScheme, signatureSchemes } from '../sources/schemes.ts'
import { findSignatureProblem } from '../sources/verify.ts'
import type { Caller, Callers } from './callers.ts'

/** Load this module with `import()`: few callers sign. */

/** A request before its body is parsed. */
export interface UnverifiedRequest {
  /** With names in lower case. */
  headers: Record<string, string | undefined>
  /** Returns the bytes that were sent, which signatures cover. */
  rawBody(): Uint8Array
}

/** The caller that has signed a request. */
interface Signer {
  caller: Caller
  /** The digest of the message. */
  message: string
  /** Undefined if the signature covers no id. */
  messageId: string | undefined
}

/**
 * Returns the caller whose key signed the raw body of a request, and the digest of the message. Tries every key of every
 * caller. An empty body does not count: its signature would be a token for every request without a body.
 *
 * @param now epoch milliseconds
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function findSigner(callers: Callers, request: UnverifiedRequest, now: number): Signer | undefined {
  const { headers } = request
  const rawBody = request.rawBody()
  if (rawBody.length === 0) return undefined
  const isSigned = (scheme: SignatureScheme, keys: readonly string[] = []) =>
    findSignatureProblem(scheme, keys, { headers, rawBody }, now) === undefined
  let found: Signer | undefined
  for (const [name, caller] of Object.entries(callers)) {
    const { hmac, standardWebhooks } = caller
    const isStandard = isSigned(signatureSchemes['standard-webhooks'], standardWebhooks?.keys)
    if (!isStandard && !(hmac && isSigned(hmac, hmac.keys))) continue
    // The id is signed, so the same body may be another message.
    const messageId = isStandard ? headers['webhook-id'] : undefined
    const message = createHash('sha256')
      .update(isStandard ? `${messageId}.` : '')
      .update(rawBody)
      .digest('hex')
    found ??= { caller: { name, ...caller }, message, messageId }
  }
  return found
}
