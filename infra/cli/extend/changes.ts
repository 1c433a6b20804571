import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { APPLICATION } from '../../project/roots.ts'
import { UsageError } from '../../project/usage-error.ts'

/** Collects changes of files, and writes them all at the end. Paths are relative to the application. */
export class Changes {
  readonly #texts = new Map<string, string>()
  readonly #root: string

  constructor(root = APPLICATION) {
    this.#root = root
  }

  read(path: string): string {
    return this.#texts.get(path) ?? readFileSync(join(this.#root, path), 'utf8')
  }

  has(path: string): boolean {
    return this.#texts.has(path) || existsSync(join(this.#root, path))
  }

  /** @throws UsageError if the file exists */
  create(path: string, text: string): void {
    if (existsSync(join(this.#root, path))) throw new UsageError(`${path} already exists. Choose another name.`)
    this.#texts.set(path, text)
  }

  /**
   * Inserts a text after the first occurrence of another.
   *
   * @throws Error if there is none
   */
  insert(path: string, anchor: string, text: string): void {
    const before = this.read(path)
    const index = before.indexOf(anchor)
    if (index < 0) throw new Error(`${path} has no line "${anchor.trim()}" to insert a text after.`)
    const end = index + anchor.length
    this.#texts.set(path, before.slice(0, end) + text + before.slice(end))
  }

  replace(path: string, pattern: RegExp, replacement: string): void {
    this.#texts.set(path, this.read(path).replace(pattern, replacement))
  }

  append(path: string, text: string): void {
    this.#texts.set(path, `${this.read(path).trimEnd()}\n\n${text}`)
  }

  /** Returns the paths in the order of the changes. */
  list(): { created: string[]; changed: string[] } {
    const paths = [...this.#texts.keys()]
    const exists = (path: string) => existsSync(join(this.#root, path))
    return { created: paths.filter((path) => !exists(path)), changed: paths.filter(exists) }
  }

  write(): void {
    for (const [path, text] of this.#texts) {
      mkdirSync(dirname(join(this.#root, path)), { recursive: true })
      writeFileSync(join(this.#root, path), text)
    }
  }
}
