/** The key of a call as a comment of Markdown, which nobody sees. */
export function markOf(key: string): string {
  return `<!-- cloud-automation-webhooks:${key} -->`
}

/** The text with the key of the call at its end, where the call has one. */
export function marked(text: string, key: string | undefined): string {
  return key === undefined ? text : `${text}\n\n${markOf(key)}`
}

/** The mark that a text carries, to be put behind the text that takes its place. */
export function markIn(text: string | null | undefined): string {
  const mark = /<!-- cloud-automation-webhooks:[0-9a-f]+ -->/.exec(text ?? '')?.[0]
  return mark ? `\n\n${mark}` : ''
}
