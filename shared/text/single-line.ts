import { redact } from '../redact.ts'

/** Text as one line: each run of white space is one space. */
export function singleLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/**
 * Text as one line of at most so many characters; what is cut ends with an ellipsis. Secrets are masked before: half of one would
 * not be known any more.
 */
export function clipSingleLine(text: string, most: number): string {
  const line = singleLine(redact(text))
  if (line.length <= most) return line
  // Never half of a character that takes two places.
  return `${line.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
