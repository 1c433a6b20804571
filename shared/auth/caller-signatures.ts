import { createHash, createHmac } from 'node:crypto'
import { isSame } from '../hmac.ts'
import type { Caller, Callers } from './callers.ts'

/** Load this module with `import()`: few callers sign. */

/** A request before its body is parsed. */
export interface UnverifiedRequest {
  /** With names in lower case. */
  headers: Record<string, string | undefined>
  /** Returns the bytes that were sent, which signatures cover. */
  rawBody(): Uint8Array
}

/** How far the time of a Standard Webhook may differ from the clock of the function, in both directions. */
const TOLERANCE_SECONDS = 300

/**
 * Returns the caller whose key signed the raw body of a request, and the digest of the message. Tries every key of every
 * caller. An empty body does not count: its signature would be a token for every request without a body.
 *
 * @param now epoch milliseconds
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function findSigner(
  callers: Callers,
  request: UnverifiedRequest,
  now: number,
): { caller: Caller; message: string } | undefined {
  const body = request.rawBody()
  if (body.length === 0) return undefined
  let found: { caller: Caller; message: string } | undefined
  for (const [name, caller] of Object.entries(callers)) {
    const isStandard = hasStandardSignature(caller, request, body, now)
    if (!isStandard && !hasHmac(caller, request, body)) continue
    // The id is signed, so the same body may be another message.
    const id = isStandard ? `${request.headers['webhook-id']}.` : ''
    found ??= { caller: { name, ...caller }, message: createHash('sha256').update(id).update(body).digest('hex') }
  }
  return found
}

function hasHmac({ hmac }: Callers[string], { headers }: UnverifiedRequest, body: Uint8Array): boolean {
  const sent = hmac === undefined ? undefined : headers[hmac.header]
  if (hmac === undefined || sent === undefined) return false
  const { keys, prefix, encoding } = hmac
  const matches = keys.map((key) => isSame(sent, `${prefix}${createHmac('sha256', key).update(body).digest(encoding)}`))
  return matches.includes(true)
}

function hasStandardSignature(
  { standardWebhooks }: Callers[string],
  { headers }: UnverifiedRequest,
  body: Uint8Array,
  now: number,
): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures } = headers
  if (!standardWebhooks || id === undefined || signatures === undefined || !/^\d{1,15}$/.test(timestamp)) return false
  if (Math.abs(now / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false
  const matches = standardWebhooks.keys.flatMap((key) => {
    const bytes = Buffer.from(key.slice('whsec_'.length), 'base64')
    const expected = createHmac('sha256', bytes).update(`${id}.${timestamp}.`).update(body).digest('base64')
    // One for each key of the sender.
    return signatures.split(' ').map((one) => isSame(one, `v1,${expected}`))
  })
  return matches.includes(true)
}
