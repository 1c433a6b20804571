import type { Message, Table } from '../../shared/providers/message.ts'
import { clip, MOOD_ICONS, plainSingleLine, toPlainText, webLinks } from '../../shared/text/plain-text.ts'

// All of it together stays below the 65,535 bytes that a summary may have, whatever has to be escaped.
const longestText = 2_000
const longestName = 80
const longestValue = 200
const longestCell = 100
const mostFields = 12
const mostRows = 25
const mostColumns = 4
const mostLinks = 5

/**
 * A message, less its title, as GitHub's Markdown.
 *
 * @see https://github.github.com/gfm/
 */
export function checkSummary({ text, fields, table, links }: Message): string {
  const paragraphs = verbatim(clip(toPlainText(text ?? '').trim(), longestText))
  const list = fields
    .slice(0, mostFields)
    .map(({ name, value }) => `- ${inLine(name, longestName)}: ${inLine(value, longestValue)}`)
  const ways = webLinks(links)
    .slice(0, mostLinks)
    .map(({ label, url }) => `- [${inLine(label, longestName)}](${destination(url)})`)
  return [paragraphs, tableOf(table), list.join('\n'), ways.join('\n')].filter(Boolean).join('\n\n')
}

function tableOf(table: Table | undefined): string {
  if (!table || table.rows.length === 0) return ''
  const row = (cells: string[]) => `| ${cells.slice(0, mostColumns).join(' | ')} |`
  const rows = table.rows.slice(0, mostRows).map(({ mood, cells }) => {
    const [first = '', ...others] = table.columns.map((_, at) => inLine(cells[at] ?? '', longestCell))
    return row([`${MOOD_ICONS[mood]} ${first}`, ...others])
  })
  const left = table.rows.length - rows.length
  return [
    row(table.columns.map((column) => inLine(column, longestCell))),
    row(table.columns.map(() => '---')),
    ...rows,
    ...(left > 0 ? ['', `and ${left} more`] : []),
  ].join('\n')
}

function inLine(text: string, most: number): string {
  return verbatim(plainSingleLine(text, most))
}

/** Text that is shown as it is: no markup, and neither a mention nor a reference, which GitHub looks for in what comes out. */
function verbatim(text: string): string {
  return text
    .replace(/^\s+/gm, '')
    .replace(/[!-/:-@[-`{-~]/g, '\\$&')
    .replace(/[@#](?=\w)/g, `$&${invisible}`)
}

/** A space of no width. */
const invisible = '\u200b'

/** A URL that can not end its link, or be taken for something else in it. */
function destination(url: string): string {
  return new URL(url).href
    .replace(/[()\\<>"'`|*[\]{}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/&(?=#?\w+;)/g, '&amp;')
}
