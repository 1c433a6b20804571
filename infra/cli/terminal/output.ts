import { styleText } from 'node:util'
import { redactDeep } from '../../../shared/redact.ts'
import { toPlainText } from '../../../shared/text/plain-text.ts'

/** The option that all commands share. */
export interface JsonOption {
  json?: boolean
}

/** Prints the result of a command as JSON or as text. Masks registered secrets. */
export function show(value: unknown, text: string, { json }: JsonOption): void {
  console.log(json ? JSON.stringify(redactDeep(value), null, 2) : redactDeep(text))
}

/** Prints a message to stderr, so that stdout contains only the result. */
export function note(text: string): void {
  console.error(redactDeep(text))
}

/** Formats rows as a table with headings. Each row is one line. */
export function table(headings: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(toCell))
  const widths = headings.map((heading, index) =>
    Math.max(heading.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => colored(cell, widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  return [headings, ...rows].map(line).join('\n')
}

/** Formats rows as a table whose last column is cut to fit the terminal. */
export function tableThatFits(headings: readonly string[], cells: readonly (readonly string[])[]): string {
  const { isTTY, columns } = process.stdout
  if (!isTTY) return table(headings, cells)
  const rows = cells.map((row) => row.map(toCell))
  const others = headings
    .slice(0, -1)
    .map((heading, index) => Math.max(heading.length, ...rows.map((row) => row[index]?.length ?? 0)))
  const width = Math.max(MIN_WIDTH, columns - others.reduce((sum, columnWidth) => sum + columnWidth + 2, 0))
  return table(
    headings,
    rows.map((row) => [...row.slice(0, -1), clip(row.at(-1) ?? '', width)]),
  )
}

function toCell(text: string): string {
  return toPlainText(text).replace(/\s*\n\s*/g, ' ')
}

/** Characters of the last column, even if the terminal is narrow. */
const MIN_WIDTH = 20

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/** Returns a time in its largest unit: `54 s`, `12 min`, `3 h`, `2 d`. */
export function ageOf(ms: number): string {
  const [unit, name] = AGE_UNITS.find(([unit]) => ms >= unit) ?? [1_000, 's']
  return `${Math.floor(ms / unit)} ${name}`
}

const AGE_UNITS: [ms: number, name: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
]

const COLORS = {
  yes: 'green',
  ok: 'green',
  no: 'red',
  wrong: 'red',
  running: 'blue',
  pass: 'green',
  warning: 'yellow',
  fail: 'red',
  errored: 'red',
  aborted: 'gray',
} as const

/** Colors a cell, unless stdout is not a terminal or NO_COLOR is set. */
function colored(cell: string, width: number): string {
  const padded = cell.padEnd(width)
  return cell in COLORS ? styleText(COLORS[cell as keyof typeof COLORS], padded, { stream: process.stdout }) : padded
}
