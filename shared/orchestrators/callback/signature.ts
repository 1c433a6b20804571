import { hmacBase64 } from '../../hmac.ts'

/**
 * Returns the headers that sign a message. A receiver accepts it if any of the signatures is valid, so a key can be replaced
 * while messages are sent.
 *
 * @param id the same for each attempt: receivers ignore a repeated message
 * @param sentAt epoch milliseconds of this attempt. Receivers refuse old ones
 * @param body as it is sent
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders(
  keys: readonly string[],
  id: string,
  sentAt: number,
  body: string,
): Record<string, string> {
  const timestamp = String(Math.floor(sentAt / 1_000))
  const signatures = keys.map((key) => {
    const bytes = Buffer.from(key.replace('whsec_', ''), 'base64')
    return `v1,${hmacBase64(bytes, `${id}.${timestamp}.${body}`)}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
