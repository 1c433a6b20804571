import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

type Key = string | Uint8Array

/** Returns the HMAC-SHA256 of a text in UTF-8, as 64 hex digits. */
export function hmacHex(key: Key, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('hex')
}

/** Returns the HMAC-SHA256 of a text in UTF-8, as padded base64. */
export function hmacBase64(key: Key, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('base64')
}

/** Compares two texts in constant time. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}
