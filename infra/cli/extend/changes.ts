import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UsageError } from '../usage-error.ts'

/** The project that the command belongs to. */
export const root = join(import.meta.dirname, '../../..')

/** Files as they are to become: nothing is written before all of it is known. Paths are below the root. */
export class Changes {
  readonly #texts = new Map<string, string>()

  read(path: string): string {
    return this.#texts.get(path) ?? readFileSync(join(root, path), 'utf8')
  }

  /** @throws UsageError where it is there already */
  create(path: string, text: string): void {
    if (existsSync(join(root, path))) throw new UsageError(`${path} is there already: choose another name.`)
    this.#texts.set(path, text)
  }

  /**
   * Puts a text behind the only place that reads so.
   *
   * @throws Error where there is no such place
   */
  insert(path: string, behind: string, text: string): void {
    const before = this.read(path)
    const at = before.indexOf(behind)
    if (at < 0) throw new Error(`${path} has no line "${behind.trim()}", behind which something is to be added.`)
    const end = at + behind.length
    this.#texts.set(path, before.slice(0, end) + text + before.slice(end))
  }

  append(path: string, text: string): void {
    this.#texts.set(path, `${this.read(path).trimEnd()}\n\n${text}`)
  }

  /** What becomes of which file, in the order in which it was said. */
  list(): { created: string[]; changed: string[] } {
    const paths = [...this.#texts.keys()]
    const isThere = (path: string) => existsSync(join(root, path))
    return { created: paths.filter((path) => !isThere(path)), changed: paths.filter(isThere) }
  }

  write(): void {
    for (const [path, text] of this.#texts) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
  }
}
