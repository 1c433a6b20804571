import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
 * The versions of all functions. Their code is copied to the state folder at the start, by its content, so that a build while
 * they run changes nothing. An execution stays with the version that it began on, as on Lambda: so the code of a durable
 * function is kept for as long as an execution may need it. A plain function has its newest code only.
 */
export class Versions {
  readonly #store: Store
  readonly #folder: string
  readonly #functions: ReadonlyMap<string, LocalFunction>
  /** Folders of bundles, with the hash of their code. */
  readonly #code: ReadonlyMap<string, string>
  /** What has been used since the start. */
  readonly #newest = new Map<string, PublishedFunction>()

  /** @param state the state folder; what nothing runs on any more is taken out of it */
  constructor(store: Store, state: string, functions: LocalFunction[]) {
    this.#store = store
    this.#folder = join(state, 'versions')
    this.#functions = new Map(functions.map((fn) => [fn.name, fn]))
    const sources = new Set(functions.map(({ file }) => dirname(file)))
    this.#code = new Map([...sources].map((source) => [source, this.#keep(source)]))
    this.#forget()
  }

  /** All functions. */
  get functions(): LocalFunction[] {
    return [...this.#functions.values()]
  }

  /**
   * @param version the newest one when left out
   * @returns undefined where there is no such function or version
   */
  of(name: string, version?: number): PublishedFunction | undefined {
    const fn = this.#functions.get(name)
    if (fn === undefined) return undefined
    const row = version === undefined ? undefined : this.#row(name, version)
    if (row !== undefined) return this.#at(fn, row)
    const newest = this.#newest.get(name) ?? (fn.durable ? this.#publish(fn) : this.#at(fn, this.#newestCode(fn, 1)))
    this.#newest.set(name, newest)
    return version === undefined || version === newest.version ? newest : undefined
  }

  #row(name: string, version: number): Row | undefined {
    return this.#store.get<Row>('SELECT * FROM version WHERE function = ? AND number = ?', name, version)
  }

  #newestCode(fn: LocalFunction, number: number): Row {
    return { function: fn.name, number, code: this.#code.get(dirname(fn.file)) ?? '', file: basename(fn.file) }
  }

  #publish(fn: LocalFunction): PublishedFunction {
    const last = this.#store.get<Row>('SELECT * FROM version WHERE function = ? ORDER BY number DESC LIMIT 1', fn.name)
    const row = this.#newestCode(fn, (last?.number ?? 0) + 1)
    if (last?.code === row.code && last.file === row.file) return this.#at(fn, last)
    this.#store.run('INSERT INTO version (function, number, code, file) VALUES (?, ?, ?, ?)', ...Object.values(row))
    return this.#at(fn, row)
  }

  #at(fn: LocalFunction, { number, code, file }: Row): PublishedFunction {
    return { ...fn, file: join(this.#folder, code, file), version: number }
  }

  /** Copies the code of a folder. A function without code fails when it is called, as on Lambda. @returns its hash */
  #keep(source: string): string {
    const entries = existsSync(source) ? readdirSync(source, { withFileTypes: true }) : []
    const names = entries
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
    for (const name of names) writeFileSync(join(half, name), readFileSync(join(source, name)))
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
    const published = this.#store.all<Row>('SELECT DISTINCT code FROM version').map(({ code }) => code)
    const used = new Set([...published, ...this.#code.values()])
    for (const name of readdirSync(this.#folder))
      if (!used.has(name)) rmSync(join(this.#folder, name), { recursive: true, force: true })
  }
}
