import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { types } from 'node:util'
import { unreadableState } from '../../project/unreadable-state.ts'

/** Increase it with every change of the schema, except for new tables. */
const SCHEMA_VERSION = 5

const SCHEMA = `
CREATE TABLE IF NOT EXISTS execution (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  arn TEXT NOT NULL UNIQUE,
  uuid TEXT NOT NULL,
  function TEXT NOT NULL,
  function_version INTEGER NOT NULL DEFAULT 1,
  qualifier TEXT NOT NULL,
  name TEXT NOT NULL,
  input TEXT NOT NULL,
  timeout_seconds REAL NOT NULL,
  retention_days REAL NOT NULL,
  status TEXT NOT NULL,
  result TEXT,
  error TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  deadline INTEGER NOT NULL,
  expires_at INTEGER,
  wake_at INTEGER,
  notify_at INTEGER,
  in_flight INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0,
  token INTEGER NOT NULL DEFAULT 0,
  client_token TEXT,
  client_version INTEGER,
  operations INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  invoked_by INTEGER,
  UNIQUE (function, name)
) STRICT;
CREATE INDEX IF NOT EXISTS execution_wake ON execution (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS execution_deadline ON execution (deadline) WHERE status = 'RUNNING';
CREATE INDEX IF NOT EXISTS execution_expires ON execution (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS execution_notify ON execution (notify_at) WHERE notify_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS execution_in_flight ON execution (in_flight) WHERE in_flight = 1;
CREATE TABLE IF NOT EXISTS operation (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  execution INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  parent TEXT,
  name TEXT,
  type TEXT NOT NULL,
  sub_type TEXT,
  status TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  due_at INTEGER,
  version INTEGER NOT NULL,
  pruned INTEGER NOT NULL DEFAULT 0,
  callback_id TEXT,
  details TEXT NOT NULL,
  UNIQUE (execution, id)
) STRICT;
CREATE INDEX IF NOT EXISTS operation_due ON operation (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS operation_due_of ON operation (execution, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS operation_version ON operation (execution, version);
CREATE INDEX IF NOT EXISTS operation_parent ON operation (execution, parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS operation_callback ON operation (callback_id) WHERE callback_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS event (
  execution INTEGER NOT NULL REFERENCES execution (id) ON DELETE CASCADE,
  event_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  operation TEXT,
  name TEXT,
  parent TEXT,
  sub_type TEXT,
  details TEXT NOT NULL,
  PRIMARY KEY (execution, event_id)
) STRICT;

CREATE TABLE IF NOT EXISTS message (
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  body TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  visible_at INTEGER NOT NULL,
  receives INTEGER NOT NULL DEFAULT 0,
  receipt TEXT NOT NULL,
  in_flight INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS message_visible ON message (queue, visible_at);

CREATE TABLE IF NOT EXISTS version (
  function TEXT NOT NULL,
  number INTEGER NOT NULL,
  code TEXT NOT NULL,
  file TEXT NOT NULL,
  PRIMARY KEY (function, number)
) STRICT;
`

/** The database of executions, operations and history events: one SQLite file in the state folder. */
export class Store {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #effects: (() => void)[] | undefined

  /**
   * @param folder state folder; created if missing, and readable only by its owner, because it contains payloads
   * @throws Error if another process uses the database
   */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#db = new DatabaseSync(join(folder, 'durable.db'))
    try {
      // NORMAL does not wait for the disk at each commit: a power failure can lose commits, a killed process cannot.
      // EXCLUSIVE prevents a second process from running the same executions.
      // The checkpoint of the log waits for the disk. It runs every 32 MB instead of 4, because a task makes many commits.
      this.#db.exec(
        `PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         PRAGMA wal_autocheckpoint = 8000; PRAGMA foreign_keys = ON;`,
      )
      this.#createSchema(folder)
    } catch (error) {
      this.#db.close()
      if (types.isNativeError(error) && /locked|busy/i.test(error.message))
        throw new Error(
          `Another process uses the state folder ${folder}. Stop it, or set WEBHOOKS_STATE to another folder.`,
          {
            cause: error,
          },
        )
      if (types.isNativeError(error) && 'code' in error && error.code === 'ERR_SQLITE_ERROR')
        throw unreadableState(join(folder, 'durable.db'), error)
      throw error
    }
  }

  /** Returns the first row. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined
  }

  /** Returns all rows, also for a statement with RETURNING. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[]
  }

  /** Returns an iterator over the rows, which does not load all of them into memory. */
  iterate<Row>(sql: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.#statement(sql).iterate(...values) as IterableIterator<Row>
  }

  /** Runs a statement. Returns the rowid of the last insert and the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): { lastInsertRowid: number; changes: number } {
    const { lastInsertRowid, changes } = this.#statement(sql).run(...values)
    return { lastInsertRowid: Number(lastInsertRowid), changes: Number(changes) }
  }

  /** Runs `body` in a transaction and returns its result. A nested call joins the outer transaction. */
  transaction<Result>(body: () => Result): Result {
    if (this.#effects !== undefined) return body()
    const effects: (() => void)[] = []
    this.#effects = effects
    this.#db.exec('BEGIN IMMEDIATE')
    let result: Result
    try {
      result = body()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    } finally {
      this.#effects = undefined
    }
    for (const effect of effects) effect()
    return result
  }

  /** Runs `effect` after the transaction is committed, or immediately if there is none. */
  afterCommit(effect: () => void): void {
    if (this.#effects === undefined) effect()
    else this.#effects.push(effect)
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  #createSchema(folder: string): void {
    const version = this.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0
    if (version !== 0 && version !== SCHEMA_VERSION)
      throw new Error(
        `The state folder ${folder} was written by another version of this program. Delete it, or set WEBHOOKS_STATE to another folder.`,
      )
    this.transaction(() => {
      this.#db.exec(SCHEMA)
      this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    })
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
