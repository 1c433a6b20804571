/**
 * A Go string is a list of bytes that may be invalid UTF-8: `slice` can cut a character in two. Here a byte that belongs to no
 * character is represented by the lone surrogate U+DC00 plus the byte. Template data contains no other lone surrogates.
 */
const STRAY_BYTE = /[\udc80-\udcff]/u

export function toBytes(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  const parts = [...text].map((character) =>
    STRAY_BYTE.test(character) ? Buffer.from([(character.codePointAt(0) ?? 0) - 0xdc00]) : Buffer.from(character),
  )
  return Buffer.concat(parts)
}

export function fromBytes(bytes: Buffer): string {
  const text = bytes.toString()
  if (Buffer.from(text).equals(bytes)) return text
  let decoded = ''
  for (let at = 0; at < bytes.length; ) {
    const size = [1, 2, 3, 4].find((length) => isCharacter(bytes.subarray(at, at + length)))
    decoded += size ? bytes.toString('utf8', at, at + size) : String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
    at += size ?? 1
  }
  return decoded
}

/** Returns the byte that a lone surrogate represents; undefined for a character. */
export const strayByte = (character: string): number | undefined =>
  STRAY_BYTE.test(character) ? (character.codePointAt(0) ?? 0) - 0xdc00 : undefined

function isCharacter(bytes: Buffer): boolean {
  const text = bytes.toString()
  return [...text].length === 1 && Buffer.from(text).equals(bytes)
}
