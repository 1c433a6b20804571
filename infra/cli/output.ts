import { styleText } from 'node:util'
import { redactDeep } from '../../shared/redact.ts'
import { toPlainText } from '../../shared/text/plain-text.ts'

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

/** Formats rows as a table with headings. */
export function table(headings: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(toPlainText))
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
