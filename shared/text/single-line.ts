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
 * Cuts the title of a ticket to one line of at most `maxLength` characters. If that loses words, the description starts with the
 * complete title.
 */
export function clipTitle(
  { title, description = '' }: { title: string; description?: string | undefined },
  maxLength: number,
): { title: string; description: string } {
  const line = singleLine(redact(title))
  const clipped = clipSingleLine(title, maxLength)
  return {
    title: clipped,
    description: clipped === line ? description : [line, description].filter(Boolean).join('\n\n'),
  }
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
