import type { Link, Message, Table } from '../../../shared/providers/message.ts'
import { escapeHtml } from '../../../shared/text/escape-html.ts'
import {
  byteLength,
  clipBytes,
  MOOD_ICONS,
  plainSingleLine,
  plainTextBody,
  toPlainText,
  webLinks,
} from '../../../shared/text/plain-text.ts'

interface Mail {
  subject: string
  text: string
  html: string
}

/** Bytes. Mailboxes cut longer mails. */
const MAX_TEXT = 60_000
const MAX_PARAGRAPHS = 20_000
const MAX_SUBJECT = 200
const MAX_FIELDS = 40
const MAX_ROWS = 100

/**
 * Converts a message to a mail, as text and as HTML.
 *
 * @param approval the link to the approval page, if the approval is open
 */
export function mailOf(message: Message, approval: Link[]): Mail {
  const { mood, title, fields, table } = message
  const subject = `${MOOD_ICONS[mood]} ${plainSingleLine(title, MAX_SUBJECT)}`
  const links = [...approval, ...webLinks(message.links)]
  const body = plainTextBody(message, links, MAX_TEXT - byteLength(subject))
  const paragraphs = clipBytes(toPlainText(message.text ?? '').trim(), MAX_PARAGRAPHS)
  const omitted = Math.max(0, fields.length - MAX_FIELDS) + Math.max(0, (table?.rows.length ?? 0) - MAX_ROWS)
  const html = [
    `<h3>${escapeHtml(subject)}</h3>`,
    ...(paragraphs === '' ? [] : [`<p style="white-space:pre-line">${escapeHtml(paragraphs)}</p>`]),
    rowsOf(fields.slice(0, MAX_FIELDS).map(({ name, value }) => [name, value])),
    rowsOf(cellsOf(table)),
    ...(omitted > 0 ? [`<p>and ${omitted} more</p>`] : []),
    ...links.map(({ label, url }) => `<p><a href="${escapeHtml(new URL(url).href)}">${line(label) || 'Open'}</a></p>`),
  ]
  return { subject, text: [subject, body].filter(Boolean).join('\n\n'), html: html.filter(Boolean).join('\n') }
}

function cellsOf(table: Table | undefined): string[][] {
  if (!table || table.rows.length === 0) return []
  const rows = table.rows.slice(0, MAX_ROWS).map(({ mood, cells }) => [MOOD_ICONS[mood], ...cells])
  return [['', ...table.columns], ...rows]
}

function rowsOf(rows: string[][]): string {
  if (rows.length === 0) return ''
  const cells = (row: string[]) => row.map((cell) => `<td style="padding-right:1em">${line(cell)}</td>`).join('')
  return `<table>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</table>`
}

function line(text: string): string {
  return escapeHtml(plainSingleLine(text))
}
