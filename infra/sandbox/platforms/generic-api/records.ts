import type { Store } from '../sandbox/store.ts'

/** Stores records of several kinds, each with an id. */
export interface Records {
  get<T>(kind: string, id: string): T | undefined
  /** In the order in which they were made. */
  all<T>(kind: string): T[]
  /** Counts on from the newest. */
  nextId(kind: string): string
  put(kind: string, id: string, record: object): void
}

interface Row {
  record: string
}

export function createRecords(store: Store): Records {
  const records: Records = {
    get<T>(kind: string, id: string) {
      const row = store.get<Row>('SELECT record FROM tool_records WHERE kind = ? AND id = ?', kind, id)
      return row && (JSON.parse(row.record) as T)
    },
    all<T>(kind: string) {
      const rows = store.all<Row>('SELECT record FROM tool_records WHERE kind = ? ORDER BY seq', kind)
      return rows.map(({ record }) => JSON.parse(record) as T)
    },
    nextId(kind) {
      const newest = records.all<{ id: string }>(kind).at(-1)
      return String(1 + Number(newest?.id ?? 0))
    },
    put(kind, id, record) {
      store.run(
        `INSERT INTO tool_records (kind, id, changed_at, record) VALUES (?, ?, ?, ?)
         ON CONFLICT (kind, id) DO UPDATE SET changed_at = excluded.changed_at, record = excluded.record`,
        kind,
        id,
        new Date().toISOString(),
        JSON.stringify(record),
      )
    },
  }
  return records
}
