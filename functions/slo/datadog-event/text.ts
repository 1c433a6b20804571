import type { Message } from '../../../shared/providers/message.ts'
import { plainSingleLine, plainTextBody, toPlainText, webLinks } from '../../../shared/text/plain-text.ts'

/** Datadog's limit in characters. The text is cut to as many bytes, which is stricter. */
const MAX_TEXT = 4_000
const MAX_TITLE = 100
const MAX_TAG = 200

/** Returns a message as the plain text of an event. Datadog reads text as Markdown only between lines of `%%%`. */
export function datadogText(message: Message): { title: string; text: string } {
  const title = withoutMarkup(plainSingleLine(message.title, MAX_TITLE))
  const text = withoutMarkup(plainTextBody(message, webLinks(message.links), MAX_TEXT))
  return { title, text: text === '' ? title : text }
}

/** Disables Markdown blocks and mentions. Never makes the text longer. */
function withoutMarkup(text: string): string {
  return text.replace(/%{3,}/g, '%%').replace(/(?<![\w/?=&#.:+-])@(?=\w)/g, '＠')
}

/**
 * Returns a tag in the form that Datadog stores, or undefined if no valid characters are left.
 *
 * @see https://docs.datadoghq.com/getting_started/tagging/#define-tags
 */
export function datadogTag(text: string): string | undefined {
  const normalized = toPlainText(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_:./-]+/gu, '_')
  const tag = normalized
    .slice(0, MAX_TAG)
    .toWellFormed()
    .replace(/[\ufffd_:]+$/, '')
  return /^\p{L}/u.test(tag) ? tag : undefined
}
