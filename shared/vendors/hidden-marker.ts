import { clip } from '../text/plain-text.ts'

/** Returns an idempotency key as a Markdown comment, which is not visible. */
export function markOf(key: string): string {
  return `<!-- cloud-automation-webhooks:${key} -->`
}

/**
 * Appends the idempotency key, if there is one, to a text.
 *
 * @param maxLength UTF-16 units of the result; only the text is cut
 */
export function marked(text: string, key: string | undefined, maxLength = Number.POSITIVE_INFINITY): string {
  const mark = key === undefined ? '' : `\n\n${markOf(key)}`
  return clip(text, maxLength - mark.length) + mark
}

/** Returns the marker in a text, to append it to the text that replaces it. */
export function markIn(text: string | null | undefined): string {
  const mark = /<!-- cloud-automation-webhooks:[0-9a-f]+ -->/.exec(text ?? '')?.[0]
  return mark ? `\n\n${mark}` : ''
}
