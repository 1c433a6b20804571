import { clip } from '../text/plain-text.ts'

/** The key of a call as a comment of Markdown, which nobody sees. */
export function markOf(key: string): string {
  return `<!-- cloud-automation-webhooks:${key} -->`
}

/**
 * The text with the key of the call at its end, where the call has one.
 *
 * @param most UTF-16 units that both may have together: the text is cut, and the key stays whole
 */
export function marked(text: string, key: string | undefined, most = Number.POSITIVE_INFINITY): string {
  const mark = key === undefined ? '' : `\n\n${markOf(key)}`
  return clip(text, most - mark.length) + mark
}

/** The mark that a text carries, to be put behind the text that takes its place. */
export function markIn(text: string | null | undefined): string {
  const mark = /<!-- cloud-automation-webhooks:[0-9a-f]+ -->/.exec(text ?? '')?.[0]
  return mark ? `\n\n${mark}` : ''
}
