import type { Link, Message, Mood, Table } from '../../text/message.ts'
import { clip, MOOD_ICONS, plainSingleLine, toPlainText, webLinks } from '../../text/plain-text.ts'

// With these limits a summary stays below GitHub's maximum of 65,535 bytes, even if every character is escaped.
const MAX_TEXT = 2_000
const MAX_NAME = 80
const MAX_VALUE = 200
const MAX_CELL = 100
const MAX_FIELDS = 12
const MAX_ROWS = 25
const MAX_COLUMNS = 4
const MAX_LINKS = 5
const MAX_COMMENT_LINKS = 3
const MAX_COMMENT_LABEL = 40
const MAX_COMMENT_URL = 150

const ZERO_WIDTH_SPACE = '\u200b'

/**
 * Returns a message, without its title, as GitHub Flavored Markdown.
 *
 * @see https://github.github.com/gfm/
 */
export function checkSummary({ text, fields, table, links }: Message): string {
  const paragraphs = escapeMarkdown(clip(toPlainText(text ?? '').trim(), MAX_TEXT))
  const fieldList = fields
    .slice(0, MAX_FIELDS)
    .map(({ name, value }) => `- ${inLine(name, MAX_NAME)}: ${inLine(value, MAX_VALUE)}`)
  const linkList = webLinks(links)
    .slice(0, MAX_LINKS)
    .map(({ label, url }) => `- [${inLine(label, MAX_NAME)}](${linkTarget(url)})`)
  return [paragraphs, tableOf(table), fieldList.join('\n'), linkList.join('\n')].filter(Boolean).join('\n\n')
}

/** A comment of a few lines. */
export interface Comment {
  mood: Mood
  text: string
  /** At most three are shown. */
  links?: Link[]
  /** The last line, which is never cut. */
  footer: Link | string
}

/** Returns a comment as GitHub Flavored Markdown of at most `maxLength` characters. Cuts the text. */
export function shortComment({ mood, text, links = [], footer }: Comment, maxLength: number): string {
  const linkList = webLinks(links)
    .filter(({ url }) => url.length <= MAX_COMMENT_URL)
    .slice(0, MAX_COMMENT_LINKS)
    .map(({ label, url }) => `- [${inLine(label, MAX_COMMENT_LABEL)}](${linkTarget(url)})`)
  const last = typeof footer === 'string' ? footer : `[${inLine(footer.label, MAX_NAME)}](${linkTarget(footer.url)})`
  const end = [linkList.join('\n'), last].filter(Boolean).join('\n\n')
  const room = maxLength - `${MOOD_ICONS[mood]} \n\n${end}`.length
  return `${MOOD_ICONS[mood]} ${escapedWithin(toPlainText(text).trim(), room)}\n\n${end}`
}

/** Returns an escaped text of at most `maxLength` characters. The escapes count, too. */
function escapedWithin(text: string, maxLength: number): string {
  for (let length = Math.min(text.length, maxLength); ; length = Math.floor(length * 0.9)) {
    const escaped = escapeMarkdown(clip(text, length))
    if (escaped.length <= maxLength || length === 0) return escaped
  }
}

function tableOf(table: Table | undefined): string {
  if (!table || table.rows.length === 0) return ''
  const row = (cells: string[]) => `| ${cells.slice(0, MAX_COLUMNS).join(' | ')} |`
  const rows = table.rows.slice(0, MAX_ROWS).map(({ mood, cells }) => {
    const [first = '', ...others] = table.columns.map((_, index) => inLine(cells[index] ?? '', MAX_CELL))
    return row([`${MOOD_ICONS[mood]} ${first}`, ...others])
  })
  const omitted = table.rows.length - rows.length
  return [
    row(table.columns.map((column) => inLine(column, MAX_CELL))),
    row(table.columns.map(() => '---')),
    ...rows,
    ...(omitted > 0 ? ['', `and ${omitted} more`] : []),
  ].join('\n')
}

function inLine(text: string, maxLength: number): string {
  return escapeMarkdown(plainSingleLine(text, maxLength))
}

/** Escapes Markdown. GitHub finds mentions and issue numbers after it has removed the escapes, so these are split. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/^\s+/gm, '')
    .replace(/[!-/:-@[-`{-~]/g, '\\$&')
    .replace(/[@#](?=\w)/g, `$&${ZERO_WIDTH_SPACE}`)
}

/** Returns the URL without characters that could end the link or start an HTML entity. */
function linkTarget(url: string): string {
  return new URL(url).href
    .replace(/[()\\<>"'`|*[\]{}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/&(?=#?\w+;)/g, '&amp;')
}
