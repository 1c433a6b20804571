/** Returns a Markdown table. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`.replace(/ {2,}\|/g, ' |')
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line), ''].join('\n')
}

/** Escapes text for a cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()
}
