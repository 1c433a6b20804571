import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Store } from './store.ts'
import type { LocalFunction } from './types.ts'

/** A function at one of its versions, whose code stays as it is. */
export interface PublishedFunction extends LocalFunction {
  version: number
}

/** A row of the table `version`. */
interface Row {
  function: string
  number: number
  /** Hash of the code, which is the name of its folder. */
  code: string
  /** The bundle in that folder. */
  file: string
}

/** What Node loads; a bundle's folder may hold source maps, which it does without. */
const isCode = /\.(?:[cm]?js|json|node)$/

/**
 * The versions of all functions. An execution stays with the one that it began on, as on Lambda: so the code of a durable
 * function is kept in the state folder, by its content, from the first execution on and for as long as one may need it. A plain
 * function has its newest code only.
 */
export class Versions {
  readonly #store: Store
  readonly #folder: string
  readonly #functions: ReadonlyMap<string, LocalFunction>
  /** What has been used since the start. */
  readonly #newest = new Map<string, PublishedFunction>()
  /** The folders of bundles that were looked at, with the hash of their code. */
  readonly #kept = new Map<string, string>()

  /** @param state the state folder; what nothing runs on any more is taken out of it */
  constructor(store: Store, state: string, functions: LocalFunction[]) {
    this.#store = store
    this.#folder = join(state, 'versions')
    this.#functions = new Map(functions.map((fn) => [fn.name, fn]))
    this.#forget()
  }

  /** All functions. */
  get functions(): LocalFunction[] {
    return [...this.#functions.values()]
  }

  /**
   * @param version the newest one when left out
   * @returns undefined where there is no such function or version
   * @throws Error when its bundle can not be read
   */
  of(name: string, version?: number): PublishedFunction | undefined {
    const fn = this.#functions.get(name)
    if (fn === undefined) return undefined
    const row = version === undefined ? undefined : this.#row(name, version)
    if (row !== undefined) return this.#at(fn, row)
    const newest = this.#newest.get(name) ?? (fn.durable ? this.#publish(fn) : { ...fn, version: 1 })
    this.#newest.set(name, newest)
    return version === undefined || version === newest.version ? newest : undefined
  }

  #row(name: string, version: number): Row | undefined {
    return this.#store.get<Row>('SELECT * FROM version WHERE function = ? AND number = ?', name, version)
  }

  #publish(fn: LocalFunction): PublishedFunction {
    const source = dirname(fn.file)
    const code = this.#kept.get(source) ?? this.#keep(source)
    this.#kept.set(source, code)
    const file = basename(fn.file)
    const last = this.#store.get<Row>('SELECT * FROM version WHERE function = ? ORDER BY number DESC LIMIT 1', fn.name)
    if (last?.code === code && last.file === file) return this.#at(fn, last)
    const row: Row = { function: fn.name, number: (last?.number ?? 0) + 1, code, file }
    this.#store.run('INSERT INTO version (function, number, code, file) VALUES (?, ?, ?, ?)', ...Object.values(row))
    return this.#at(fn, row)
  }

  #at(fn: LocalFunction, { number, code, file }: Row): PublishedFunction {
    return { ...fn, file: join(this.#folder, code, file), version: number }
  }

  /** @returns the hash of the code in a folder, of which there is a copy now */
  #keep(source: string): string {
    const names = readdirSync(source, { withFileTypes: true })
      .filter((entry) => entry.isFile() && isCode.test(entry.name))
      .map(({ name }) => name)
      .sort()
    const hash = createHash('sha256')
    for (const name of names)
      hash
        .update(`${name}\0`)
        .update(readFileSync(join(source, name)))
        .update('\0')
    const code = hash.digest('hex').slice(0, 32)
    const copy = join(this.#folder, code)
    if (existsSync(copy)) return code
    // Whole or not at all: a process that dies in the middle must not leave half a version under its name.
    const half = `${copy}.half`
    rmSync(half, { recursive: true, force: true })
    mkdirSync(half, { recursive: true, mode: 0o700 })
    for (const name of names) copyFileSync(join(source, name), join(half, name))
    renameSync(half, copy)
    return code
  }

  /** One that failed is needed for as long as it is remembered: the finisher may start another execution on its version. */
  #forget(): void {
    this.#store.run(
      `DELETE FROM version WHERE number < (SELECT max(number) FROM version AS other WHERE other.function = version.function)
       AND NOT EXISTS (SELECT 1 FROM execution WHERE execution.function = version.function
       AND function_version = version.number AND status <> 'SUCCEEDED')`,
    )
    if (!existsSync(this.#folder)) return
    const used = new Set(this.#store.all<Row>('SELECT DISTINCT code FROM version').map(({ code }) => code))
    for (const name of readdirSync(this.#folder))
      if (!used.has(name)) rmSync(join(this.#folder, name), { recursive: true, force: true })
  }
}
