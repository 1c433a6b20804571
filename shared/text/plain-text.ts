import { redact } from '../redact.ts'
import type { Link, Message, Mood, Table } from './message.ts'
import { singleLine } from './single-line.ts'

/** How things stand, for a platform that has no colours. */
export const MOOD_ICONS: Record<Mood, string> = { good: '✅', warning: '⚠️', bad: '❌', neutral: 'ℹ️', waiting: '⏳' }

const longestLine = 300

/**
 * Text that is only text: line ends are one character, and nothing in it controls a terminal, a parser or the direction in
 * which it is read.
 */
export function toPlainText(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
      .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g, '')
  )
}

/** One line of at most so many UTF-16 units. */
export function plainSingleLine(text: string, most = longestLine): string {
  return clip(singleLine(toPlainText(text)), most)
}

/**
 * At most so many UTF-16 units; what is cut ends with an ellipsis, and never within a character. Secrets are masked before: half
 * of one would not be known any more.
 */
export function clip(given: string, most: number): string {
  const text = redact(given)
  if (text.length <= most) return text
  return `${text.slice(0, Math.max(0, most - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** At most so many bytes of UTF-8, in the same way. */
export function clipBytes(given: string, most: number): string {
  const text = redact(given)
  if (byteLength(text) <= most) return text
  const room = new Uint8Array(Math.max(0, most - byteLength('…')))
  const { read } = new TextEncoder().encodeInto(text, room)
  return most < byteLength('…') ? '' : `${text.slice(0, read)}…`
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

/** Returns the links with an `http:` or `https:` URL. */
export function webLinks<T extends Link>(links: readonly T[]): T[] {
  return links.filter(({ url }) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''))
}

/** Where people decide, as a link: on a platform without buttons all choices are made on one page. */
export function approvalLink({ buttons: choices }: Pick<Message, 'buttons'>): Link[] {
  const [choice] = webLinks(choices ?? [])
  return choice ? [{ label: 'Decide', url: choice.url }] : []
}

/**
 * A message as lines of text, less its title. The links are always in it; of what is too long the text is cut, and rows that
 * have no room are counted.
 *
 * @param links those that nothing else shows
 * @param most bytes of UTF-8
 */
export function plainTextBody({ text, fields, table }: Message, links: readonly Link[], most: number): string {
  const last = links.map(({ label, url }) => `${plainSingleLine(label)}: ${url}`).join('\n')
  const room = most - byteLength(last) - byteLength('\n\n\n\nand 1000000 more')
  const lines = [
    ...fields.map(({ name, value }) => `${plainSingleLine(name)}: ${plainSingleLine(value)}`),
    ...tableLines(table),
  ]
  const wanted = byteLength(lines.join('\n')) + 1
  const first = clipBytes(toPlainText(text ?? '').trim(), Math.max(room - wanted, Math.floor(room / 2)))
  return [first, fitting(lines, room - byteLength(first)).join('\n'), last].filter(Boolean).join('\n\n')
}

/** The rows of a table, each as a line. */
export function tableLines(table: Table | undefined): string[] {
  return (table?.rows ?? []).map(({ mood, cells }) => {
    const [name = '', ...values] = cells.map((cell) => plainSingleLine(cell))
    const named = values.map((value, at) => [table?.columns[at + 1], value].filter(Boolean).join(' '))
    return `${MOOD_ICONS[mood]} ${[name, ...named.map((one) => plainSingleLine(one))].join(', ')}`
  })
}

function fitting(lines: string[], room: number): string[] {
  let left = room
  const kept = lines.findIndex((line) => {
    left -= byteLength(line) + 1
    return left < 0
  })
  return kept < 0 ? lines : [...lines.slice(0, kept), `and ${lines.length - kept} more`]
}
