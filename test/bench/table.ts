import type { Section } from './measure.ts'

/** Formats a section as Markdown. */
export function asMarkdown({ title, columns, rows, notes }: Section): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  // All other columns are numeric.
  const rule = line(columns.map((_, at) => (at === 0 ? '---' : '---:')))
  return [`## ${title}`, '', line(columns), rule, ...rows.map(line), '', ...notes.map((note) => `- ${note}`)].join('\n')
}

/** Formats a section for a terminal. */
export function asText({ title, columns, rows }: Section): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return [title, line(columns), ...rows.map(line)].join('\n')
}
