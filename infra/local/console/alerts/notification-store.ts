import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'

/** A notification whose sender was verified, with its credentials masked. */
export interface StoredNotification {
  id: number
  source: string
  /** Milliseconds since 1970. */
  at: number
  /** By name in lower case. */
  headers: Record<string, string>
  /** A JSON object, as text. */
  body: string
}

/** Notifications of each source. */
const MAX_NOTIFICATIONS = 100

const SCHEMA = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS notification (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  at INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS notification_source ON notification (source, id);
`
const COLUMNS = 'id, source, at, headers, body'

/** The last notifications of each source, to try rules on. A SQLite file in the state folder lets them survive a restart. */
export class NotificationStore {
  readonly #db: DatabaseSync
  readonly #file: string

  /** @param file in an existing folder */
  constructor(file: string) {
    this.#file = file
    this.#db = new DatabaseSync(file)
    this.#db.exec(SCHEMA)
  }

  /** Adds a notification. One that cannot be saved, such as on a full disk, is lost: the console must not end the runtime. */
  add({ source, at, headers, body }: Omit<StoredNotification, 'id'>): void {
    try {
      this.#db
        .prepare('INSERT INTO notification (source, at, headers, body) VALUES (?, ?, ?, ?)')
        .run(source, at, JSON.stringify(headers), body)
      this.#db
        .prepare(
          'DELETE FROM notification WHERE source = ? AND id <= (SELECT id FROM notification WHERE source = ? ORDER BY id DESC LIMIT 1 OFFSET ?)',
        )
        .run(source, source, MAX_NOTIFICATIONS)
    } catch (error) {
      console.warn(`The console cannot save a notification in ${this.#file}: ${(error as Error).message}.`)
    }
  }

  get(id: number): StoredNotification | undefined {
    const row = this.#db.prepare(`SELECT ${COLUMNS} FROM notification WHERE id = ?`).get(id)
    return row && parse(row)
  }

  /** Returns the newest notifications, of one source or of all, newest first. */
  list(source: string | undefined, limit: number): StoredNotification[] {
    const rows = this.#db
      .prepare(`SELECT ${COLUMNS} FROM notification WHERE source = ifnull(?, source) ORDER BY id DESC LIMIT ?`)
      .all(source ?? null, limit)
    return rows.map(parse)
  }

  /** Returns how many notifications of each source are stored. */
  counts(): Map<string, number> {
    const rows = this.#db.prepare('SELECT source, count(*) AS count FROM notification GROUP BY source').all()
    return new Map(rows.map(({ source, count }) => [String(source), Number(count)]))
  }

  close(): void {
    this.#db.close()
  }
}

function parse({ id, source, at, headers, body }: Record<string, SQLOutputValue>): StoredNotification {
  return {
    id: Number(id),
    source: String(source),
    at: Number(at),
    headers: JSON.parse(String(headers)),
    body: String(body),
  }
}
