import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Loading this loads node:crypto, a fifth of the start of a webhook: what every call loads takes it with `import()`, when
 * it is needed.
 */

type Key = string | Uint8Array

/** HMAC-SHA256 of a text in UTF-8, as 64 hex digits. */
export function hmacHex(key: Key, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('hex')
}

/** HMAC-SHA256 of a text in UTF-8, as padded base64. */
export function hmacBase64(key: Key, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('base64')
}

/** Whether two texts are the same; the time that it takes tells nothing of where they differ. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}
