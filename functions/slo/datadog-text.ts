import type { Message } from '../../shared/providers/message.ts'
import { plainSingleLine, plainTextBody, toPlainText, webLinks } from '../../shared/text/plain-text.ts'

/** In characters; the text is cut to as many bytes, which are no fewer. */
const longestTitle = 100
const longestText = 4_000
const longestTag = 200

/** A message as an event says it, in plain text: Datadog reads Markdown only between two lines of `%%%`. */
export function datadogText(message: Message): { title: string; text: string } {
  const title = inert(plainSingleLine(message.title, longestTitle))
  const text = inert(plainTextBody(message, webLinks(message.links), longestText))
  return { title, text: text === '' ? title : text }
}

/** Nothing that somebody has named an objective begins Markdown or tells a person of it. No text gets longer by it. */
function inert(text: string): string {
  return text.replace(/%{3,}/g, '%%').replace(/(?<![\w/?=&#.:+-])@(?=\w)/g, '＠')
}

/**
 * A tag as Datadog itself would write it; undefined where none is left of it.
 *
 * @see https://docs.datadoghq.com/getting_started/tagging/#define-tags
 */
export function datadogTag(text: string): string | undefined {
  const written = toPlainText(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_:./-]+/gu, '_')
  const tag = written
    .slice(0, longestTag)
    .toWellFormed()
    .replace(/[\ufffd_:]+$/, '')
  return /^\p{L}/u.test(tag) ? tag : undefined
}
