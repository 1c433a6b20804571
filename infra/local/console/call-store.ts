import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type CallFilter, conditionOf, type FilterField } from './call-filter.ts'
import type { CallRecord } from './call-record.ts'
import type { CallSummary } from './call-summary.ts'

/** Increase it with every change of the schema. Records of another version are dropped. */
const SCHEMA_VERSION = 1

const SCHEMA = `
CREATE TABLE call (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  ended_at INTEGER,
  verdict TEXT NOT NULL,
  category TEXT NOT NULL,
  action TEXT NOT NULL,
  provider TEXT NOT NULL,
  connection TEXT NOT NULL,
  orchestrator TEXT NOT NULL,
  context TEXT NOT NULL,
  search TEXT NOT NULL,
  summary TEXT NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX call_at ON call (at);
CREATE INDEX call_context ON call (context, at);
CREATE TABLE request (
  call TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  platform TEXT NOT NULL,
  connection TEXT NOT NULL,
  ms INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  PRIMARY KEY (call, number)
) STRICT;
CREATE INDEX request_at ON request (at);
`

/** Older ended calls are deleted. */
const MAX_CALLS = 100_000
const PRUNE_EVERY = 1_000
const MAX_STATEMENTS = 200
/** Characters of an id that the page and the CLI show. */
const MIN_SHORT_ID = 8

/** The fields of a summary with the titles of names. */
const titles: { [field in FilterField]?: keyof CallSummary } = { provider: 'platform', orchestrator: 'engine' }

/** A call with what is stored of it. */
export interface StoredCall {
  record: CallRecord
  summary: CallSummary
}

/** A value of a field and the number of its calls. */
export interface FacetValue {
  value: string
  count: number
  /** The words of the column, for a value that is a name: `GitHub` for `github`. */
  title?: string
}

interface CallEnd extends Pick<CallSummary, 'at' | 'verdict' | 'action' | 'category' | 'text' | 'answer'> {
  endedAt: number | null
}

/** The calls of the console. A SQLite file in the state folder lets them survive a restart. */
export class CallStore {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #file: string
  #saved = 0
  #hasWarned = false

  /** @param file in an existing folder, or `:memory:` */
  constructor(file: string) {
    this.#file = file
    this.#db = new DatabaseSync(file)
    // A killed process loses no call. A power failure may lose the last ones.
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;')
    const version = this.#get<{ user_version: number }>('PRAGMA user_version')?.user_version
    if (version === SCHEMA_VERSION) return
    this.#db.exec(
      `DROP TABLE IF EXISTS request; DROP TABLE IF EXISTS call; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`,
    )
  }

  /**
   * Saves calls, whose credentials must be masked. A call that cannot be saved, such as on a full disk, is lost, and the others
   * are saved: the console must not end the runtime.
   */
  save(calls: readonly StoredCall[], removed: readonly string[] = []): void {
    const changes = [
      ...removed.map((id) => () => this.#run('DELETE FROM call WHERE id = ?', id)),
      ...calls.map((call) => () => this.#save(call)),
    ]
    if (changes.length === 0) return
    const failure = this.#commit(changes)
    if (!failure) this.#hasWarned = false
    else for (const change of changes) this.#warn(this.#commit([change]))
    this.#saved += calls.length
    if (this.#saved >= PRUNE_EVERY) this.#warn(this.#commit([() => this.#prune()]))
  }

  /** Runs changes in one transaction. Returns the error that prevents it. */
  #commit(changes: readonly (() => void)[]): Error | undefined {
    try {
      this.#db.exec('BEGIN')
      for (const change of changes) change()
      this.#db.exec('COMMIT')
      return undefined
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      return error as Error
    }
  }

  /** Warns once, until everything can be saved again. */
  #warn(failure: Error | undefined): void {
    if (!failure || this.#hasWarned) return
    this.#hasWarned = true
    console.warn(`The console cannot save some calls in ${this.#file}: ${failure.message}. The runtime continues.`)
  }

  #save({ record, summary }: StoredCall): void {
    const { id, at, endedAt, verdict, category, action, provider, connection, orchestrator, context, text } = summary
    const search = [id, action, text, context, summary.place, provider, connection].join('\n').toLowerCase()
    this.#run(
      `INSERT INTO call (id, at, ended_at, verdict, category, action, provider, connection, orchestrator, context, search,
         summary, record)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET at = excluded.at, ended_at = excluded.ended_at, verdict = excluded.verdict,
         provider = excluded.provider, connection = excluded.connection, orchestrator = excluded.orchestrator,
         context = excluded.context, action = excluded.action, search = excluded.search, summary = excluded.summary,
         record = excluded.record`,
      id,
      at,
      endedAt ?? null,
      verdict,
      category,
      action,
      provider,
      connection,
      orchestrator,
      context,
      search,
      JSON.stringify(summary),
      JSON.stringify(record),
    )
    record.outgoing.forEach((request, index) => {
      const failed = request.status === undefined || request.status >= 400 ? 1 : 0
      this.#run(
        'INSERT OR REPLACE INTO request (call, number, at, platform, connection, ms, failed) VALUES (?, ?, ?, ?, ?, ?, ?)',
        id,
        record.droppedCalls + index,
        request.at,
        request.platform,
        connection,
        Math.round(request.ms),
        failed,
      )
    })
  }

  #prune(): void {
    this.#saved = 0
    this.#run(
      `DELETE FROM call WHERE ended_at IS NOT NULL AND at < (SELECT at FROM call ORDER BY at DESC LIMIT 1 OFFSET ?)`,
      MAX_CALLS,
    )
  }

  load(id: string): StoredCall | undefined {
    const row = this.#get<{ record: string; summary: string }>('SELECT record, summary FROM call WHERE id = ?', id)
    return row && { record: JSON.parse(row.record), summary: JSON.parse(row.summary) }
  }

  /** Finds the id of a call by a unique start of it. Shorter ones than the page shows are not accepted. */
  completeId(start: string): string | undefined {
    if (start.length < MIN_SHORT_ID) return undefined
    const [found, ...others] = this.#all<{ id: string }>(
      'SELECT id FROM call WHERE id >= ? AND id < ? ORDER BY id LIMIT 20',
      start,
      `${start}\uffff`,
    )
    // Earlier versions stored an answer that was sent again as a call of its own, whose id starts with that of the first one.
    return found && others.every(({ id }) => id.startsWith(found.id)) ? found.id : undefined
  }

  /** Returns calls, newest first. */
  list(filter: CallFilter, offset: number, limit: number): CallSummary[] {
    const { where, values } = conditionOf(filter)
    return this.#all<{ summary: string }>(
      `SELECT summary FROM call ${where} ORDER BY at DESC, id LIMIT ? OFFSET ?`,
      ...values,
      limit,
      offset,
    ).map(({ summary }) => JSON.parse(summary))
  }

  /** Returns the contexts of calls, with the newest call first, and the calls without a context as one. */
  contexts(filter: CallFilter, offset: number, limit: number): string[] {
    const { where, values } = conditionOf(filter)
    return this.#all<{ context: string }>(
      `SELECT context FROM call ${where} GROUP BY context ORDER BY max(at) DESC LIMIT ? OFFSET ?`,
      ...values,
      limit,
      offset,
    ).map(({ context }) => context)
  }

  /** Returns the calls of one context, which may be empty, newest first. */
  listOfContext(context: string, filter: CallFilter, limit: number): CallSummary[] {
    const { where, values } = conditionOf(filter)
    const also = where === '' ? 'WHERE context = ?' : `${where} AND context = ?`
    return this.#all<{ summary: string }>(
      `SELECT summary FROM call ${also} ORDER BY at DESC, id LIMIT ?`,
      ...values,
      context,
      limit,
    ).map(({ summary }) => JSON.parse(summary))
  }

  count(filter: CallFilter): number {
    const { where, values } = conditionOf(filter)
    return this.#get<{ total: number }>(`SELECT count(*) AS total FROM call ${where}`, ...values)?.total ?? 0
  }

  /** Returns the values of a field, most frequent first. */
  facet(field: FilterField, filter: CallFilter): FacetValue[] {
    // The values of the field itself stay available, so that another one can be added.
    const { where, values } = conditionOf({ ...filter, fields: { ...filter.fields, [field]: undefined } })
    const title = titles[field]
    return this.#all<{ value: string; count: number; title: string | null }>(
      `SELECT ${field} AS value, count(*) AS count, ${title ? `max(json_extract(summary, '$.${title}'))` : 'NULL'} AS title
       FROM call ${where} GROUP BY ${field} ORDER BY count DESC, value LIMIT 200`,
      ...values,
    ).map(({ value, count, title }) => ({ value, count, ...(title && { title }) }))
  }

  /** Returns how calls ended, oldest first. `endedAt` is null for a running call. */
  ends(filter: CallFilter): CallEnd[] {
    const { where, values } = conditionOf(filter)
    return this.#all(
      `SELECT at, ended_at AS endedAt, verdict, action, category, json_extract(summary, '$.text') AS text,
         json_extract(summary, '$.answer') AS answer
       FROM call ${where} ORDER BY at`,
      ...values,
    )
  }

  /** Returns the requests to platforms since a time. */
  requests(since: number): { platform: string; connection: string; ms: number; failed: number; at: number }[] {
    return this.#all('SELECT platform, connection, ms, failed, at FROM request WHERE at >= ?', since)
  }

  /** The number of stored calls and the time of the oldest one. */
  extent(): { stored: number; oldestAt: number | undefined } {
    const row = this.#get<{ stored: number; oldestAt: number | null }>(
      'SELECT count(*) AS stored, min(at) AS oldestAt FROM call',
    )
    return { stored: row?.stored ?? 0, oldestAt: row?.oldestAt ?? undefined }
  }

  close(): void {
    this.#db.close()
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#db.prepare(sql)
    // Each combination of filters is another statement.
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear()
    this.#statements.set(sql, known)
    return known
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepare(sql).run(...values)
  }

  #get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#prepare(sql).get(...values) as T | undefined
  }

  #all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#prepare(sql).all(...values) as T[]
  }
}
