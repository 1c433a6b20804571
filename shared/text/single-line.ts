import { redact } from '../redact.ts'

/**
 * Replaces each run of white space with one space.
 *
 * @example singleLine('Checkout\n fails') // 'Checkout fails'
 */
export function singleLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/**
 * Returns one line of at most `maxLength` characters, cut with an ellipsis. Masks secrets first, because half of a secret
 * would not be recognized.
 */
export function clipSingleLine(text: string, maxLength: number): string {
  const line = singleLine(redact(text))
  if (line.length <= maxLength) return line
  // Does not cut surrogate pairs.
  return `${line.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
