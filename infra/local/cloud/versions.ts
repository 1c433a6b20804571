import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Store } from './store.ts'
import type { LocalFunction } from './types.ts'

/** A version of a function. Its code does not change. */
export interface PublishedFunction extends LocalFunction {
  version: number
  /** False if it runs the code of the build. */
  isCopy?: boolean
}

/** A function with the version or the alias that a request names. */
export type InvokedFunction = PublishedFunction & { qualifier?: string | undefined }

/** A row of the table `version`. */
interface Row {
  function: string
  number: number
  /** Hash of the code, and name of its folder. Empty if the code runs where it is. */
  code: string
  /** The bundle in that folder. */
  file: string
}

/** The code of a folder. */
interface Code {
  hash: string
  /** The bytes of each file. */
  files: ReadonlyMap<string, Buffer>
}

/** Files that Node loads. Excludes source maps. */
const CODE_FILE = /\.(?:[cm]?js|json|node)$/

/**
 * The versions of all functions. Their code is read at the start, so that a build does not change running functions. It is
 * written to the state folder when a function is first used: most starts use few of more than a thousand files. As in Lambda,
 * an execution runs on one version from start to end, so the code of a durable function is retained as long as an execution
 * may need it. A plain function has only its latest code.
 */
export class Versions {
  readonly #store: Store
  readonly #folder: string
  readonly #functions: ReadonlyMap<string, LocalFunction>
  /** The code by the folder of its bundle. */
  readonly #code: ReadonlyMap<string, Code>
  /** Latest versions that have been used since the start. */
  readonly #latest = new Map<string, PublishedFunction>()

  /**
   * @param state the state folder; versions without executions are deleted from it
   * @param copiesCode false to run the code where it is: a build then changes running functions
   */
  constructor(store: Store, state: string, functions: LocalFunction[], copiesCode = true) {
    this.#store = store
    this.#folder = join(state, 'versions')
    this.#functions = new Map(functions.map((fn) => [fn.name, fn]))
    const sources = new Set(copiesCode ? functions.map(({ file }) => dirname(file)) : [])
    this.#code = new Map([...sources].map((source) => [source, readCode(source)]))
    this.#deleteUnused()
  }

  /** All functions. */
  get functions(): LocalFunction[] {
    return [...this.#functions.values()]
  }

  /**
   * @param version defaults to the latest
   * @returns undefined if the function or version does not exist
   */
  of(name: string, version?: number): PublishedFunction | undefined {
    const fn = this.#functions.get(name)
    if (fn === undefined) return undefined
    const row = version === undefined ? undefined : this.#row(name, version)
    if (row !== undefined) return this.#at(fn, row)
    const latest = this.#latest.get(name) ?? (fn.durable ? this.#publish(fn) : this.#at(fn, this.#latestCode(fn, 1)))
    this.#latest.set(name, latest)
    return version === undefined || version === latest.version ? latest : undefined
  }

  /** Returns the numbers of all versions, oldest first. */
  numbersOf(name: string): number[] {
    const latest = this.of(name)
    const rows = this.#store.all<Row>('SELECT * FROM version WHERE function = ? ORDER BY number', name)
    return rows.length > 0 || latest === undefined ? rows.map(({ number }) => number) : [latest.version]
  }

  /** Deletes a version. Its code is deleted at the next start. */
  delete(name: string, version: number): void {
    this.#store.run('DELETE FROM version WHERE function = ? AND number = ?', name, version)
  }

  #row(name: string, version: number): Row | undefined {
    return this.#store.get<Row>('SELECT * FROM version WHERE function = ? AND number = ?', name, version)
  }

  #latestCode(fn: LocalFunction, number: number): Row {
    const code = this.#code.get(dirname(fn.file))
    if (code) this.#save(code)
    return { function: fn.name, number, code: code?.hash ?? '', file: basename(fn.file) }
  }

  #publish(fn: LocalFunction): PublishedFunction {
    const last = this.#store.get<Row>('SELECT * FROM version WHERE function = ? ORDER BY number DESC LIMIT 1', fn.name)
    const row = this.#latestCode(fn, (last?.number ?? 0) + 1)
    if (last?.code === row.code && last.file === row.file) return this.#at(fn, last)
    this.#store.run('INSERT INTO version (function, number, code, file) VALUES (?, ?, ?, ?)', ...Object.values(row))
    return this.#at(fn, row)
  }

  #at(fn: LocalFunction, { number, code, file }: Row): PublishedFunction {
    const isCopy = code !== ''
    return { ...fn, file: isCopy ? join(this.#folder, code, file) : fn.file, version: number, isCopy }
  }

  #save({ hash, files }: Code): void {
    const copy = join(this.#folder, hash)
    if (existsSync(copy)) return
    // A crash must not leave an incomplete version under its final name.
    const draft = `${copy}.draft`
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft, { recursive: true, mode: 0o700 })
    for (const [name, bytes] of files) writeFileSync(join(draft, name), bytes)
    renameSync(draft, copy)
  }

  /** Deletes old versions. Keeps versions of failed executions: the finisher may start another execution on them. */
  #deleteUnused(): void {
    this.#store.run(
      `DELETE FROM version WHERE number < (SELECT max(number) FROM version AS other WHERE other.function = version.function)
       AND NOT EXISTS (SELECT 1 FROM execution WHERE execution.function = version.function
       AND function_version = version.number AND status <> 'SUCCEEDED')`,
    )
    if (!existsSync(this.#folder)) return
    const published = this.#store.all<Row>('SELECT DISTINCT code FROM version').map(({ code }) => code)
    const used = new Set([...published, ...[...this.#code.values()].map(({ hash }) => hash)])
    for (const name of readdirSync(this.#folder))
      if (!used.has(name)) rmSync(join(this.#folder, name), { recursive: true, force: true })
  }
}

/** A function without code fails when it is called, as in Lambda. */
function readCode(source: string): Code {
  const entries = existsSync(source) ? readdirSync(source, { withFileTypes: true }) : []
  const names = entries
    .filter((entry) => entry.isFile() && CODE_FILE.test(entry.name))
    .map(({ name }) => name)
    .sort()
  const files = new Map(names.map((name) => [name, readFileSync(join(source, name))]))
  const hash = createHash('sha256')
  for (const [name, bytes] of files) hash.update(`${name}\0`).update(bytes).update('\0')
  return { hash: hash.digest('hex').slice(0, 32), files }
}
