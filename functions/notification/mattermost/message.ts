import type { Field, Link, Message, MessageButton, Mood, Table } from '../../../shared/providers/message.ts'
import { clip, MOOD_ICONS, plainSingleLine, toPlainText, webLinks } from '../../../shared/text/plain-text.ts'

interface Action {
  id: MessageButton['decision']
  type: 'button'
  name: string
  style: 'good' | 'danger'
  integration: { url: string; context: object }
}

interface Attachment {
  fallback: string
  color: string
  title: string
  text?: string
  fields?: { title: string; value: string; short: boolean }[]
  actions?: Action[]
}

/** The part of a post that contains a message. */
export interface PostContent {
  /** Empty, because the title is in the attachment. Apps show its `fallback` in notifications. */
  message: ''
  props: { attachments: [Attachment] }
}

const COLORS: Record<Mood, string> = {
  good: 'good',
  warning: 'warning',
  bad: 'danger',
  neutral: '#8b8fa7',
  waiting: '#1c58d9',
}

// Together, these stay far below the 800,000 characters of props, even if every character is escaped.
const MAX_TITLE = 300
const MAX_TEXT = 8_000
const MAX_VALUE = 1_000
const MAX_CELL = 200
const MAX_LABEL = 100
const MAX_FIELDS = 25
const MAX_ROWS = 50
const MAX_COLUMNS = 8
const MAX_LINKS = 20

/**
 * Converts a message to a message attachment.
 *
 * @param integrationOf returns what Mattermost sends for a button, and the URL
 * @see https://developers.mattermost.com/integrate/reference/message-attachments/
 * @see https://developers.mattermost.com/integrate/plugins/interactive-messages/
 */
export function mattermostMessage(
  message: Message,
  integrationOf: (button: MessageButton) => Action['integration'],
): PostContent {
  const { mood, title, text, fields, table, links, buttons = [] } = message
  const heading = `${MOOD_ICONS[mood]} ${plainSingleLine(title, MAX_TITLE)}`
  const parts = [paragraphs(text), tableOf(table), linksOf(webLinks(links))].filter(Boolean)
  const attachment: Attachment = {
    fallback: breakMentions(heading),
    color: COLORS[mood],
    title: verbatim(heading),
    ...(parts.length > 0 ? { text: parts.join('\n\n') } : {}),
    ...(fields.length > 0 ? { fields: fieldsOf(fields) } : {}),
    ...(buttons.length > 0 ? { actions: buttons.map((button) => actionOf(button, integrationOf)) } : {}),
  }
  return { message: '', props: { attachments: [attachment] } }
}

/**
 * Escapes text for Mattermost. Characters of markup become numeric character references, which the server, the browser and
 * the apps show as the character. Mentions are searched in the resulting text, so a zero-width space breaks them.
 *
 * @see https://github.com/mattermost/mattermost/blob/master/server/public/shared/markdown/inlines.go
 * @see https://github.com/mattermost/marked/blob/master/lib/marked.js
 */
export function verbatim(text: string): string {
  return (
    text
      .replace(/[\\`*_~[\]<>&|$#:)]/g, toCharacterReference)
      // A link without a scheme. Not the end of a sentence or a decimal point.
      .replace(/\.(?=[^\s\d])|(?<=www\d{0,3})\./gi, toCharacterReference)
      // Mattermost treats it as a line end.
      .replaceAll('\u2424', ' ')
      // Lists, rules, setext headings and code blocks.
      .replace(/^[-+=]/gm, toCharacterReference)
      .replace(/^(\d+)\.(?=\s|$)/gm, '$1&#46;')
      .replace(/^[ \t\u00a0]+/gm, (spaces) => '&#160;'.repeat(spaces.length))
      .replaceAll('@', `@${ZERO_WIDTH_SPACE}`)
  )
}

const ZERO_WIDTH_SPACE = '\u200b'

function toCharacterReference(character: string): string {
  return `&#${character.charCodeAt(0)};`
}

/** Breaks mentions, channels, hashtags and emojis, which Mattermost also finds in text without markup. */
function breakMentions(text: string): string {
  return text.replace(/[@~#:](?=\S)/g, (sign) => sign + ZERO_WIDTH_SPACE)
}

function paragraphs(text: string | undefined): string {
  return verbatim(clip(toPlainText(text ?? '').trim(), MAX_TEXT))
}

function tableOf(table: Table | undefined): string {
  if (!table || table.rows.length === 0) return ''
  const visible = table.rows.slice(0, MAX_ROWS)
  const width = Math.min(MAX_COLUMNS, Math.max(table.columns.length, ...visible.map(({ cells }) => cells.length)))
  const row = (cells: string[]) => `| ${Array.from({ length: width }, (_, index) => cells[index] ?? '').join(' | ')} |`
  const rows = visible.map(({ mood, cells }) => {
    const [name = '', ...values] = cells.map((text) => verbatim(plainSingleLine(text, MAX_CELL)))
    return row([`${MOOD_ICONS[mood]} ${name}`, ...values])
  })
  const omitted = table.rows.length - rows.length
  return [
    row(table.columns.map((column) => verbatim(plainSingleLine(column, MAX_CELL)))),
    row(Array.from({ length: width }, () => '---')),
    ...rows,
    ...(omitted > 0 ? ['', `and ${omitted} more`] : []),
  ].join('\n')
}

function linksOf(links: Link[]): string {
  const visible = links
    .slice(0, MAX_LINKS)
    .map(({ label, url }) => `[${verbatim(plainSingleLine(label, MAX_LABEL) || new URL(url).host)}](${escapeUrl(url)})`)
  const omitted = links.length - visible.length
  return [...visible, ...(omitted > 0 ? [`and ${omitted} more`] : [])].join(' · ')
}

/** Encodes the characters of a URL that could end a Markdown link. */
function escapeUrl(url: string): string {
  return new URL(url).href
    .replace(/[()\\<>"'`|*[\]{}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/&(?=#?\w+;)/g, '&amp;')
}

function fieldsOf(fields: Field[]) {
  const visible = fields.slice(0, MAX_FIELDS).map(({ name, value }) => {
    const text = clip(toPlainText(value).trim(), MAX_VALUE)
    return { title: breakMentions(plainSingleLine(name, MAX_LABEL)), value: verbatim(text), short: text.length <= 40 }
  })
  const omitted = fields.length - visible.length
  return omitted > 0 ? [...visible, { title: '', value: `and ${omitted} more`, short: false }] : visible
}

function actionOf(button: MessageButton, integrationOf: (button: MessageButton) => Action['integration']): Action {
  const { decision, label } = button
  return {
    id: decision,
    type: 'button',
    name: breakMentions(plainSingleLine(label, MAX_LABEL)),
    style: decision === 'approve' ? 'good' : 'danger',
    integration: integrationOf(button),
  }
}
