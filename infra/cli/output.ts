import { styleText } from 'node:util'
import { redactDeep } from '../../shared/redact.ts'
import { toPlainText } from '../../shared/text/plain-text.ts'

/** What every command takes beside its own options. */
export interface JsonOption {
  json?: boolean
}

/** Prints what a command found: as JSON for programs, else as text for people. No secret that was seen is in either. */
export function show(value: unknown, text: string, { json }: JsonOption): void {
  console.log(json ? JSON.stringify(redactDeep(value), null, 2) : redactDeep(text))
}

/** Says something beside the result, which stays alone on stdout. */
export function note(text: string): void {
  console.error(redactDeep(text))
}

/** Rows of words below their headings, each column as wide as it must be. */
export function table(headings: readonly string[], given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(toPlainText))
  const widths = headings.map((heading, at) => Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => coloured(cell, widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  return [headings, ...rows].map(line).join('\n')
}

const colours = { yes: 'green', ok: 'green', no: 'red', wrong: 'red' } as const

/** Colour only where a person sees it: not in a file, and not with NO_COLOR. */
function coloured(cell: string, width: number): string {
  const padded = cell.padEnd(width)
  return cell in colours ? styleText(colours[cell as keyof typeof colours], padded, { stream: process.stdout }) : padded
}
