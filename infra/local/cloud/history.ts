import type { EventType } from '@aws-sdk/client-lambda'
import type { Execution } from './execution.ts'
import type { Operation } from './operation.ts'
import type { Store } from './store.ts'
import { type Timestamps, withTimestamps } from './wire.ts'

interface EventRow {
  event_id: number
  type: EventType
  at: number
  operation: string | null
  name: string | null
  parent: string | null
  sub_type: string | null
  details: string
}

/**
 * Appends an event to the history of an execution. The caller saves the execution, which counts its events.
 *
 * @param details the `...Details` of the event in the names of AWS, timestamps as milliseconds since 1970
 */
export function recordEvent(
  store: Store,
  execution: Execution,
  type: EventType,
  at: number,
  operation: Operation | undefined,
  details: object,
): void {
  execution.events += 1
  const about = operation ?? (type.startsWith('Execution') ? { id: execution.uuid, name: execution.name } : undefined)
  store.run(
    `INSERT INTO event (execution, event_id, type, at, operation, name, parent, sub_type, details)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    execution.id,
    execution.events,
    type,
    at,
    about?.id ?? null,
    about?.name ?? null,
    operation?.parent ?? null,
    operation?.sub_type ?? null,
    JSON.stringify(details),
  )
}

/**
 * Returns a page of the history for GetDurableExecutionHistory.
 *
 * @param page `after` is the EventId of the last event of the previous page; `data` includes payloads
 */
export function historyOf(
  store: Store,
  execution: number,
  page: { limit: number; after?: number; newestFirst?: boolean; data: boolean },
  timestamps: Timestamps,
): { events: Record<string, unknown>[]; more: boolean } {
  const start = page.after ?? (page.newestFirst ? Number.MAX_SAFE_INTEGER : 0)
  const rows = store.all<EventRow>(
    `SELECT * FROM event WHERE execution = ? AND event_id ${page.newestFirst ? '<' : '>'} ?
     ORDER BY event_id ${page.newestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
    execution,
    start,
    page.limit + 1,
  )
  const events = rows.slice(0, page.limit).map((row) => {
    const details: unknown = JSON.parse(row.details, page.data ? undefined : withoutPayload)
    return withTimestamps(
      {
        EventId: row.event_id,
        EventType: row.type,
        EventTimestamp: row.at,
        ...(row.operation === null ? {} : { Id: row.operation }),
        ...(row.name === null ? {} : { Name: row.name }),
        ...(row.parent === null ? {} : { ParentId: row.parent }),
        ...(row.sub_type === null ? {} : { SubType: row.sub_type }),
        [`${row.type}Details`]: details,
      },
      timestamps,
    )
  })
  return { events, more: rows.length > page.limit }
}

function withoutPayload(key: string, value: unknown): unknown {
  return key === 'Payload' ? undefined : value
}
