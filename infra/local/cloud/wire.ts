import { invalidParameter } from './errors.ts'
import type { Execution } from './execution.ts'
import type { Operation } from './operation.ts'
import type { Store } from './store.ts'

/** AWS uses epoch seconds in REST responses and ISO 8601 in the event of an invocation. */
export type Timestamps = 'seconds' | 'iso'

/** Limits of AWS for one page of operations. */
const PAGE_ITEMS = 1000
const PAGE_BYTES = 1024 * 1024

/** Returns a copy of `value` that formats all numbers (milliseconds) whose key ends with `Timestamp`. */
export function withTimestamps<Value extends object>(value: Value, timestamps: Timestamps): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value), (key, member: unknown) => {
    if (typeof member !== 'number' || !key.endsWith('Timestamp')) return member
    return timestamps === 'iso' ? new Date(member).toISOString() : member / 1000
  })
}

const DETAILS = {
  STEP: 'StepDetails',
  WAIT: 'WaitDetails',
  CALLBACK: 'CallbackDetails',
  CONTEXT: 'ContextDetails',
  CHAINED_INVOKE: 'ChainedInvokeDetails',
} as const

/** Converts an operation to the type `Operation` of the Lambda API. */
export function operationToWire(operation: Operation, timestamps: Timestamps): Record<string, unknown> {
  const { attempt, nextAttemptAt, endsAt, callbackId, replayChildren, result, error } = operation.details
  const key = DETAILS[operation.type as keyof typeof DETAILS]
  return withTimestamps(
    {
      Id: operation.id,
      ParentId: operation.parent ?? undefined,
      Name: operation.name ?? undefined,
      Type: operation.type,
      SubType: operation.sub_type ?? undefined,
      Status: operation.status,
      StartTimestamp: operation.started_at,
      EndTimestamp: operation.ended_at ?? undefined,
      [key]: {
        Attempt: attempt,
        NextAttemptTimestamp: nextAttemptAt,
        ScheduledEndTimestamp: endsAt,
        CallbackId: callbackId,
        ReplayChildren: replayChildren,
        Result: result,
        Error: error,
      },
    },
    timestamps,
  )
}

/** Returns the operation of type EXECUTION, which AWS sends first. The SDK reads the input from it. */
function executionToWire(execution: Execution, timestamps: Timestamps): Record<string, unknown> {
  return withTimestamps(
    {
      Id: execution.uuid,
      Name: execution.name,
      Type: 'EXECUTION',
      Status: 'STARTED',
      StartTimestamp: execution.started_at,
      ExecutionDetails: { InputPayload: execution.input },
    },
    timestamps,
  )
}

/**
 * Returns a page of the operations for a replay. Omits operations below an ended child context without ReplayChildren.
 *
 * @param page `marker` comes from the previous page; `limit` defaults to the maximum of AWS
 * @returns operations in start order, and a marker if there are more
 */
export function operationPage(
  store: Store,
  execution: Execution,
  page: { marker?: string; limit?: number },
  timestamps: Timestamps,
): { Operations: Record<string, unknown>[]; NextMarker?: string } {
  const limit = Math.min(page.limit || PAGE_ITEMS, PAGE_ITEMS)
  const operations: Record<string, unknown>[] = []
  if (!page.marker) operations.push(executionToWire(execution, timestamps))
  const rows = store.iterate<Omit<Operation, 'details'> & { details: string }>(
    'SELECT * FROM operation WHERE execution = ? AND seq > ? AND pruned = 0 ORDER BY seq LIMIT ?',
    execution.id,
    page.marker ? readMarker(page.marker) : 0,
    limit + 1 - operations.length,
  )
  let bytes = page.marker ? 0 : Buffer.byteLength(execution.input)
  let last: number | undefined
  for (const row of rows) {
    bytes += Buffer.byteLength(row.details)
    // A page contains at least one operation; otherwise paging would never end.
    const full = operations.length >= limit || (bytes > PAGE_BYTES && last !== undefined)
    if (full) return { Operations: operations, NextMarker: marker(last ?? 0) }
    operations.push(operationToWire({ ...row, details: JSON.parse(row.details) }, timestamps))
    last = row.seq
  }
  return { Operations: operations }
}

/** Returns an opaque marker for a row number. */
export function marker(row: number): string {
  return Buffer.from(`row:${row}`).toString('base64')
}

/** @throws InvalidParameterValueException if the marker is invalid */
export function readMarker(text: string): number {
  const row = /^row:(\d+)$/.exec(Buffer.from(text, 'base64').toString())?.[1]
  if (row === undefined) throw invalidParameter('Invalid pagination marker')
  return Number(row)
}
