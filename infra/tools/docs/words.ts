import { markdownTable } from '../../project/markdown-table.ts'
import { style } from '../words/style.ts'
import { terms } from '../words/terms.ts'

/** Returns the table of banned words in docs/glossary.md. */
export function wordTable(): string {
  const rows = new Map([...terms, ...style].map(({ not, write }) => [not, [write, not]]))
  return markdownTable(['Write', 'Not'], [...rows.values()])
}
