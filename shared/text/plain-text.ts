import { redact } from '../redact.ts'
import type { Link, Message, Mood, Table } from './message.ts'
import { singleLine } from './single-line.ts'

/** Moods as emoji, for platforms without colors. */
export const MOOD_ICONS: Record<Mood, string> = { good: '✅', warning: '⚠️', bad: '❌', neutral: 'ℹ️', waiting: '⏳' }

const MAX_LINE = 300

/** Normalizes line ends, and removes characters that control a terminal, a parser or the text direction. */
export function toPlainText(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: this removes them.
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
      .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g, '')
  )
}

/** Returns one line of at most `maxLength` UTF-16 units. */
export function plainSingleLine(text: string, maxLength = MAX_LINE): string {
  return clip(singleLine(toPlainText(text)), maxLength)
}

/**
 * Cuts a text to at most `maxLength` UTF-16 units, with an ellipsis, and never within a character. Masks secrets first,
 * because half of a secret would not be recognized.
 *
 * @example const message = clip(outcome.message, 4_000)
 */
export function clip(original: string, maxLength: number): string {
  const text = redact(original)
  if (text.length <= maxLength) return text
  return `${text.slice(0, Math.max(0, maxLength - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Cuts a text to at most `maxLength` bytes of UTF-8. See `clip`. */
export function clipBytes(original: string, maxLength: number): string {
  const text = redact(original)
  if (byteLength(text) <= maxLength) return text
  const room = new Uint8Array(Math.max(0, maxLength - byteLength('…')))
  const { read } = new TextEncoder().encodeInto(text, room)
  return maxLength < byteLength('…') ? '' : `${text.slice(0, read)}…`
}

/** Reduces the length of a text until it fits after it was escaped. */
export function fitEscaped(maxLength: number, escapedOf: (length: number) => string): string {
  for (let length = maxLength; ; length = Math.floor(length * 0.8)) {
    const text = escapedOf(length)
    if (text.length <= maxLength) return text
  }
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

/** Returns the links with an `http:` or `https:` URL. */
export function webLinks<T extends Link>(links: readonly T[]): T[] {
  return links.filter(({ url }) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''))
}

/** Returns the link to the approval page, for platforms without buttons. */
export function approvalLink({ buttons = [] }: Pick<Message, 'buttons'>): Link[] {
  const [link] = webLinks(buttons)
  return link ? [{ label: 'Decide', url: link.url }] : []
}

/**
 * Returns a message without its title as lines of text. Always contains the links. Cuts the text, and counts the rows that
 * do not fit.
 *
 * @param links the links that are not shown elsewhere
 * @param maxLength bytes of UTF-8
 */
export function plainTextBody({ text, fields, table }: Message, links: readonly Link[], maxLength: number): string {
  const last = links.map(({ label, url }) => `${plainSingleLine(label)}: ${url}`).join('\n')
  const room = maxLength - byteLength(last) - byteLength('\n\n\n\nand 1000000 more')
  const lines = [
    ...fields.map(({ name, value }) => `${plainSingleLine(name)}: ${plainSingleLine(value)}`),
    ...tableLines(table),
  ]
  const wanted = byteLength(lines.join('\n')) + 1
  const first = clipBytes(toPlainText(text ?? '').trim(), Math.max(room - wanted, Math.floor(room / 2)))
  return [first, fitting(lines, room - byteLength(first)).join('\n'), last].filter(Boolean).join('\n\n')
}

/** Returns the rows of a table as lines. */
export function tableLines(table: Table | undefined): string[] {
  return (table?.rows ?? []).map(({ mood, cells }) => {
    const [name = '', ...values] = cells.map((cell) => plainSingleLine(cell))
    const named = values.map((value, index) => [table?.columns[index + 1], value].filter(Boolean).join(' '))
    return `${MOOD_ICONS[mood]} ${[name, ...named.map((cell) => plainSingleLine(cell))].join(', ')}`
  })
}

function fitting(lines: string[], room: number): string[] {
  let left = room
  const cut = lines.findIndex((line) => {
    left -= byteLength(line) + 1
    return left < 0
  })
  return cut < 0 ? lines : [...lines.slice(0, cut), `and ${lines.length - cut} more`]
}
