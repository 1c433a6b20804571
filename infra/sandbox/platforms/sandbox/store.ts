import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { unreadableState } from '../../../local/unreadable-state.ts'
import type { Target } from './http.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL, number INTEGER NOT NULL, title TEXT NOT NULL, body TEXT,
    state TEXT NOT NULL, state_reason TEXT, labels TEXT NOT NULL, assignees TEXT NOT NULL, milestone INTEGER,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, closed_at TEXT, UNIQUE (repo_id, number)
  );
  CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL, body TEXT NOT NULL, created_at TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS comments_of_issue ON comments (issue_id);
  CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, repo_id INTEGER NOT NULL, workflow TEXT NOT NULL, run_number INTEGER NOT NULL,
    ref TEXT NOT NULL, inputs TEXT NOT NULL, created INTEGER NOT NULL, cancelled INTEGER
  );
  CREATE TABLE IF NOT EXISTS job_runs (
    platform TEXT NOT NULL, number INTEGER NOT NULL, job TEXT NOT NULL, parameters TEXT NOT NULL, token TEXT,
    created INTEGER NOT NULL, stopped INTEGER, PRIMARY KEY (platform, number), UNIQUE (platform, token)
  );
  CREATE TABLE IF NOT EXISTS incidents (id INTEGER PRIMARY KEY, sys_id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS journal (
    id INTEGER PRIMARY KEY, sys_id TEXT NOT NULL UNIQUE, element_id TEXT NOT NULL, element TEXT NOT NULL, value TEXT NOT NULL,
    sys_created_on TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS journal_of_record ON journal (element_id);
  CREATE TABLE IF NOT EXISTS flags (name TEXT PRIMARY KEY, flag TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS change_requests (id INTEGER PRIMARY KEY, request TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS proxies (name TEXT PRIMARY KEY, proxy TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS slos (id TEXT PRIMARY KEY, slo TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS reports (seq INTEGER PRIMARY KEY AUTOINCREMENT, report TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS executions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, qualifier TEXT UNIQUE, execution TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS sdlc_events (seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS tool_records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, changed_at TEXT NOT NULL, record TEXT NOT NULL,
    UNIQUE (kind, id)
  );
  CREATE TABLE IF NOT EXISTS messages (ts TEXT PRIMARY KEY, message TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, via TEXT NOT NULL, visible_at INTEGER NOT NULL,
    time INTEGER NOT NULL, context TEXT, type TEXT NOT NULL, source TEXT, project TEXT, stage TEXT, service TEXT, event TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS events_of_context ON events (context, type);
  CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, scope TEXT NOT NULL, expires_at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS engine_runs (
    id TEXT PRIMARY KEY, engine TEXT NOT NULL, step TEXT NOT NULL, secret TEXT NOT NULL UNIQUE, started_at TEXT NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0, ending TEXT, identity TEXT, contradictions INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS engine_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, at TEXT NOT NULL, direction TEXT NOT NULL, what TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS messages_of_run ON engine_messages (run);
  CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY AUTOINCREMENT, fault TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, target TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    status INTEGER, fault TEXT
  );
`
/** A request in the list `/sandbox/requests`. `status` is null if no response was sent. */
export interface LoggedRequest {
  at: string
  target: Target
  method: string
  path: string
  status: number | null
  fault: string | null
}

export interface Store {
  /** Returns the first row. */
  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined
  all<T>(sql: string, ...values: SQLInputValue[]): T[]
  /** Runs a statement. Returns the id of the inserted row. */
  run(sql: string, ...values: SQLInputValue[]): number
  /** Records a request before it is handled, so that the list is complete even if the process is killed. */
  requestReceived(request: Pick<LoggedRequest, 'at' | 'target' | 'method' | 'path' | 'fault'>): number
  requestAnswered(seq: number, status: number | null): void
  requests(target?: string): LoggedRequest[]
  empty(): void
  close(): void
}

/**
 * Opens `sandbox.db` in a folder and creates both if needed; without a folder, opens a database in memory. Every write is
 * in the file before the call returns, so a killed process loses nothing that it has answered.
 *
 * @throws if the folder is not writable
 */
export function openStore(folder?: string): Store {
  if (folder !== undefined) mkdirSync(folder, { recursive: true })
  const file = folder === undefined ? ':memory:' : join(folder, 'sandbox.db')
  const db = new DatabaseSync(file)
  // NORMAL loses the last writes only if the power fails, and makes each write ten times cheaper.
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;')
    db.exec(schema)
  } catch (error) {
    db.close()
    throw unreadableState(file, error)
  }

  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  const statement = (sql: string) => {
    const known = prepared.get(sql) ?? db.prepare(sql)
    prepared.set(sql, known)
    return known
  }

  const store: Store = {
    get: <T>(sql: string, ...values: SQLInputValue[]) => statement(sql).get(...values) as T | undefined,
    all: <T>(sql: string, ...values: SQLInputValue[]) => statement(sql).all(...values) as T[],
    run: (sql, ...values) => Number(statement(sql).run(...values).lastInsertRowid),

    requestReceived: ({ at, target, method, path, fault }) =>
      store.run(
        'INSERT INTO requests (at, target, method, path, fault) VALUES (?, ?, ?, ?, ?)',
        at,
        target,
        method,
        path,
        fault,
      ),

    requestAnswered(seq, status) {
      store.run('UPDATE requests SET status = ? WHERE seq = ?', status, seq)
    },

    requests: (target) =>
      store.all<LoggedRequest>(
        `SELECT at, target, method, path, status, fault FROM requests WHERE target = coalesce(?, target) ORDER BY seq`,
        target ?? null,
      ),

    empty() {
      const tables = store.all<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
      )
      db.exec(`BEGIN; ${tables.map(({ name }) => `DELETE FROM ${name};`).join(' ')} COMMIT;`)
    },
    close: () => db.close(),
  }
  return store
}
