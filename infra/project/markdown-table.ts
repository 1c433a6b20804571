/** Returns a Markdown table. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`.replace(/ {2,}\|/g, ' |')
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line), ''].join('\n')
}

/** Escapes text for a cell. Outside code, GitHub would remove a placeholder such as `<host>` as an unknown element. */
export function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll(/`[^`]*`|</g, (found) => (found === '<' ? '\\<' : found))
    .replace(/\s+/g, ' ')
    .trim()
}
