import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the connection on a page of docs/http/, as text with placeholders. */
export function connectionText(page: string): string {
  const text = readFileSync(join(import.meta.dirname, `../../docs/http/${page}.md`), 'utf8')
  const [, block] = /```json\n([\s\S]+?)\n```/.exec(text) ?? []
  if (block === undefined) throw new Error(`docs/http/${page}.md has no connection.`)
  return block
}
