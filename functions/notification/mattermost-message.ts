import type { Field, Link, Message, MessageButton, Mood, Table } from '../../shared/providers/message.ts'
import { clip, MOOD_ICONS, plainSingleLine, toPlainText, webLinks } from '../../shared/text/plain-text.ts'

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

/** What shows a message in a post. */
export interface Shown {
  /** Empty: the title stands in the attachment, and apps notify of that with its `fallback`. */
  message: ''
  props: { attachments: [Attachment] }
}

const colors: Record<Mood, string> = {
  good: 'good',
  warning: 'warning',
  bad: 'danger',
  neutral: '#8b8fa7',
  waiting: '#1c58d9',
}

// All of it together stays far below the 800,000 characters that props may have, whatever has to be escaped.
const longestTitle = 300
const longestText = 8_000
const longestValue = 1_000
const longestCell = 200
const longestLabel = 100
const mostFields = 25
const mostRows = 50
const mostColumns = 8
const mostLinks = 20

/**
 * A message as a message attachment.
 *
 * @param integrationOf what Mattermost sends when a choice is clicked, and where to
 * @see https://developers.mattermost.com/integrate/reference/message-attachments/
 * @see https://developers.mattermost.com/integrate/plugins/interactive-messages/
 */
export function mattermostMessage(
  message: Message,
  integrationOf: (choice: MessageButton) => Action['integration'],
): Shown {
  const { mood, title, text, fields, table, links, buttons = [] } = message
  const heading = `${MOOD_ICONS[mood]} ${plainSingleLine(title, longestTitle)}`
  const parts = [paragraphs(text), tableOf(table), linksOf(webLinks(links))].filter(Boolean)
  const attachment: Attachment = {
    fallback: inert(heading),
    color: colors[mood],
    title: verbatim(heading),
    ...(parts.length > 0 ? { text: parts.join('\n\n') } : {}),
    ...(fields.length > 0 ? { fields: fieldsOf(fields) } : {}),
    ...(buttons.length > 0 ? { actions: buttons.map((choice) => actionOf(choice, integrationOf)) } : {}),
  }
  return { message: '', props: { attachments: [attachment] } }
}

/**
 * Text that Mattermost shows as it is. A character with a meaning becomes a reference by its number: the server, the browser
 * and the apps all show that as the character, and take it for no markup, link or emoji. A mention alone is looked for in
 * the text that comes out, so something invisible breaks it.
 *
 * @see https://github.com/mattermost/mattermost/blob/master/server/public/shared/markdown/inlines.go
 * @see https://github.com/mattermost/marked/blob/master/lib/marked.js
 */
export function verbatim(text: string): string {
  return (
    text
      .replace(/[\\`*_~[\]<>&|$#:)]/g, numbered)
      // A link without a scheme, but not the end of a sentence or a decimal point.
      .replace(/\.(?=[^\s\d])|(?<=www\d{0,3})\./gi, numbered)
      // It is read as the end of a line.
      .replaceAll('\u2424', ' ')
      // What makes a list, a line, a heading of the line before, or a block of code.
      .replace(/^[-+=]/gm, numbered)
      .replace(/^(\d+)\.(?=\s|$)/gm, '$1&#46;')
      .replace(/^[ \t\u00a0]+/gm, (spaces) => '&#160;'.repeat(spaces.length))
      .replaceAll('@', `@${invisible}`)
  )
}

/** A space of no width. */
const invisible = '\u200b'

function numbered(character: string): string {
  return `&#${character.charCodeAt(0)};`
}

/** Where Mattermost knows no markup, it still looks for mentions, channels, hashtags and emojis. */
function inert(text: string): string {
  return text.replace(/[@~#:](?=\S)/g, (sign) => sign + invisible)
}

function paragraphs(text: string | undefined): string {
  return verbatim(clip(toPlainText(text ?? '').trim(), longestText))
}

function tableOf(table: Table | undefined): string {
  if (!table || table.rows.length === 0) return ''
  const shown = table.rows.slice(0, mostRows)
  const width = Math.min(mostColumns, Math.max(table.columns.length, ...shown.map(({ cells }) => cells.length)))
  const row = (cells: string[]) => `| ${Array.from({ length: width }, (_, at) => cells[at] ?? '').join(' | ')} |`
  const rows = shown.map(({ mood, cells }) => {
    const [name = '', ...values] = cells.map((text) => verbatim(plainSingleLine(text, longestCell)))
    return row([`${MOOD_ICONS[mood]} ${name}`, ...values])
  })
  const left = table.rows.length - rows.length
  return [
    row(table.columns.map((column) => verbatim(plainSingleLine(column, longestCell)))),
    row(Array.from({ length: width }, () => '---')),
    ...rows,
    ...(left > 0 ? ['', `and ${left} more`] : []),
  ].join('\n')
}

function linksOf(links: Link[]): string {
  const shown = links
    .slice(0, mostLinks)
    .map(
      ({ label, url }) =>
        `[${verbatim(plainSingleLine(label, longestLabel) || new URL(url).host)}](${destination(url)})`,
    )
  const left = links.length - shown.length
  return [...shown, ...(left > 0 ? [`and ${left} more`] : [])].join(' · ')
}

/** A URL that can not end its link, or be taken for something else in it. */
function destination(url: string): string {
  return new URL(url).href
    .replace(/[()\\<>"'`|*[\]{}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/&(?=#?\w+;)/g, '&amp;')
}

function fieldsOf(fields: Field[]) {
  const shown = fields.slice(0, mostFields).map(({ name, value }) => {
    const text = clip(toPlainText(value).trim(), longestValue)
    return { title: inert(plainSingleLine(name, longestLabel)), value: verbatim(text), short: text.length <= 40 }
  })
  const left = fields.length - shown.length
  return left > 0 ? [...shown, { title: '', value: `and ${left} more`, short: false }] : shown
}

function actionOf(choice: MessageButton, integrationOf: (choice: MessageButton) => Action['integration']): Action {
  const { decision, label } = choice
  return {
    id: decision,
    type: 'button',
    name: inert(plainSingleLine(label, longestLabel)),
    style: decision === 'approve' ? 'good' : 'danger',
    integration: integrationOf(choice),
  }
}
