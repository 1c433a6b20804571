/** A table of Markdown. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`.replace(/ {2,}\|/g, ' |')
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line), ''].join('\n')
}

/** Text that stays within its cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()
}
