import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { unreadableState } from '../../../project/unreadable-state.ts'

/** Records of one kind, in the order in which they were added. */
export interface Collection<T> {
  get(id: string | number): T | undefined
  /** Returns all records, or those of a group. */
  list(group?: string | number): T[]
  /** Adds or replaces a record. It keeps the group with which it was added. */
  put(id: string | number, record: T, group?: string | number): T
  /** Replaces fields of a record. Returns the changed record, or undefined if it does not exist. */
  change(id: string | number, fields: Partial<T>): T | undefined
  delete(id: string | number): void
  /** Returns a number that is greater than all earlier ones of the scope, and not less than `min`. */
  next(scope?: string | number, min?: number): number
}

export interface Store {
  /**
   * @param options.isPermanent keeps the records longer than 14 days
   * @param options.initial permanent records of an empty store, by their ids
   */
  collection<T>(name: string, options?: { isPermanent?: boolean; initial?: Record<string, T> }): Collection<T>
  /** Deletes the records that did not change for 14 days. */
  deleteOld(now?: number): void
  empty(): void
  close(): void
}

/** The local runtime keeps completed tasks for the same time. */
export const RETENTION_MS = 14 * 86_400_000

/** Increase it with every change of the schema or of a record. The records of other versions are deleted. */
const VERSION = 1
const SCHEMA = `
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, group_id TEXT, expires_at INTEGER, record TEXT NOT NULL,
    UNIQUE (collection, id)
  );
  CREATE INDEX records_in_order ON records (collection);
  CREATE INDEX records_of_group ON records (collection, group_id);
  CREATE INDEX records_by_age ON records (expires_at);
  PRAGMA user_version = ${VERSION};
`

/**
 * Opens `sandbox.db` in a folder and creates both if needed; without a folder, opens a database in memory. Every write is
 * in the file before the call returns, so a killed process loses nothing that it has answered.
 *
 * @throws if the folder is not writable
 */
export function openStore(folder?: string): Store {
  const db = openDatabase(folder)
  const sql = prepare(db)
  /** Add the initial records that are missing. */
  const fills: (() => void)[] = []

  const collection: Store['collection'] = <T>(
    name: string,
    { initial, isPermanent = initial !== undefined }: { isPermanent?: boolean; initial?: Record<string, T> } = {},
  ) => {
    const parse = (row: Record<string, SQLOutputValue>): T => JSON.parse(String(row['record']))
    const records: Collection<T> = {
      get(id) {
        const row = sql.get.get(name, String(id))
        return row && parse(row)
      },
      list: (group) => (group === undefined ? sql.list.all(name) : sql.listGroup.all(name, String(group))).map(parse),
      put(id, record, group) {
        const expiresAt = isPermanent ? null : Date.now() + RETENTION_MS
        sql.put.run(name, String(id), group === undefined ? null : String(group), expiresAt, JSON.stringify(record))
        return record
      },
      change(id, fields) {
        const record = records.get(id)
        return record && records.put(id, { ...record, ...fields })
      },
      delete: (id) => void sql.delete.run(name, String(id)),
      next(scope = '', min = 1) {
        const counter = `${name} ${scope}`
        return counters.put(counter, Math.max(min, (counters.get(counter) ?? 0) + 1))
      },
    }
    const fill = () => {
      for (const [id, record] of Object.entries(initial ?? {})) if (!records.get(id)) records.put(id, record)
    }
    fill()
    fills.push(fill)
    return records
  }
  const counters = collection<number>('counters', { isPermanent: true })

  return {
    collection,
    deleteOld: (now = Date.now()) => void sql.deleteOld.run(now),
    empty() {
      db.exec('DELETE FROM records')
      for (const fill of fills) fill()
    },
    close: () => db.close(),
  }
}

function prepare(db: DatabaseSync) {
  return {
    get: db.prepare('SELECT record FROM records WHERE collection = ? AND id = ?'),
    list: db.prepare('SELECT record FROM records WHERE collection = ? ORDER BY seq'),
    listGroup: db.prepare('SELECT record FROM records WHERE collection = ? AND group_id = ? ORDER BY seq'),
    put: db.prepare(
      `INSERT INTO records (collection, id, group_id, expires_at, record) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (collection, id) DO UPDATE SET expires_at = excluded.expires_at, record = excluded.record`,
    ),
    delete: db.prepare('DELETE FROM records WHERE collection = ? AND id = ?'),
    deleteOld: db.prepare('DELETE FROM records WHERE expires_at < ?'),
  }
}

function openDatabase(folder: string | undefined): DatabaseSync {
  if (folder !== undefined) mkdirSync(folder, { recursive: true })
  const file = folder === undefined ? ':memory:' : join(folder, 'sandbox.db')
  const db = new DatabaseSync(file)
  try {
    // NORMAL loses the last writes only if the power fails, and makes each write ten times cheaper.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;')
    if (db.prepare('PRAGMA user_version').get()?.['user_version'] !== VERSION) {
      dropTables(db)
      db.exec(SCHEMA)
    }
    return db
  } catch (error) {
    db.close()
    throw unreadableState(file, error)
  }
}

function dropTables(db: DatabaseSync): void {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
  for (const { name } of tables) db.exec(`DROP TABLE ${name}`)
}
