import { randomUUID } from 'node:crypto'
import type { ErrorObject } from '@aws-sdk/client-lambda'
import type { Core } from './core.ts'
import { alreadyStarted, notFound } from './errors.ts'
import type { Execution } from './execution.ts'
import { recordEvent } from './history.ts'
import { assertExecutionName, executionArn } from './names.ts'
import type { Store } from './store.ts'
import type { ExecutionDetail, ExecutionFilter, ExecutionSummary } from './types.ts'
import type { InvokedFunction } from './versions.ts'

/** @throws ResourceNotFoundException if the execution does not exist */
export function executionOf(store: Store, arn: string): Execution {
  const execution = store.get<Execution>('SELECT * FROM execution WHERE arn = ?', arn)
  if (execution === undefined) throw notFound(`Durable execution not found: ${arn}`)
  return execution
}

/** Returns the execution; undefined after its retention period. */
export function executionById(store: Store, id: number): Execution | undefined {
  return store.get<Execution>('SELECT * FROM execution WHERE id = ?', id)
}

/** Saves the columns of an execution that can change. */
export function saveExecution(store: Store, execution: Execution): void {
  const e = execution
  store.run(
    `UPDATE execution SET status = ?, result = ?, error = ?, ended_at = ?, expires_at = ?, wake_at = ?, notify_at = ?,
     in_flight = ?, failures = ?, version = ?, delivered = ?, token = ?, client_token = ?, client_version = ?,
     operations = ?, bytes = ?, events = ? WHERE id = ?`,
    e.status,
    e.result,
    e.error,
    e.ended_at,
    e.expires_at,
    e.wake_at,
    e.notify_at,
    e.in_flight,
    e.failures,
    e.version,
    e.delivered,
    e.token,
    e.client_token,
    e.client_version,
    e.operations,
    e.bytes,
    e.events,
    e.id,
  )
}

/**
 * Starts an execution, or returns the existing one with the same name and payload.
 *
 * @param name DurableExecutionName. Defaults to a random name
 * @param input JSON text
 * @param invokedBy the operation of another execution that gets the result
 * @throws DurableExecutionAlreadyStartedException if the name was used with another payload
 */
export function startExecution(
  core: Core,
  fn: InvokedFunction & { durable: NonNullable<InvokedFunction['durable']> },
  name: string | undefined,
  input: string,
  invokedBy?: number,
): Execution {
  if (name !== undefined) assertExecutionName(name)
  return core.store.transaction(() => {
    const now = Date.now()
    const taken =
      name === undefined
        ? undefined
        : core.store.get<Execution>('SELECT * FROM execution WHERE function = ? AND name = ?', fn.name, name)
    if (taken !== undefined) {
      if (taken.input !== input) throw alreadyStarted()
      return taken
    }
    const uuid = randomUUID()
    const ownName = name ?? uuid
    const { executionTimeoutSeconds, retentionDays } = fn.durable
    const { lastInsertRowid } = core.store.run(
      `INSERT INTO execution (arn, uuid, function, function_version, qualifier, name, input, timeout_seconds, retention_days, status, started_at,
       deadline, wake_at, operations, bytes, invoked_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'RUNNING', ?, ?, ?, 1, ?, ?)`,
      executionArn(fn.name, fn.version, ownName, uuid),
      uuid,
      fn.name,
      fn.version,
      fn.qualifier ?? String(fn.version),
      ownName,
      input,
      executionTimeoutSeconds,
      retentionDays,
      now,
      now + executionTimeoutSeconds * 1000,
      now,
      Buffer.byteLength(input),
      invokedBy ?? null,
    )
    const execution = executionById(core.store, lastInsertRowid)
    if (execution === undefined) throw new Error(`Execution ${ownName} vanished while it was started`)
    recordEvent(core.store, execution, 'ExecutionStarted', now, undefined, {
      Input: { Payload: input },
      ExecutionTimeout: executionTimeoutSeconds,
    })
    saveExecution(core.store, execution)
    observeExecution(core, execution, now)
    core.alarm(now)
    core.alarm(execution.deadline)
    return execution
  })
}

/** JSON text of a result, or an error. */
export interface Ending {
  result?: string
  error?: ErrorObject
}

export type FinalStatus = keyof typeof END_EVENT

const END_EVENT = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  TIMED_OUT: 'ExecutionTimedOut',
  STOPPED: 'ExecutionStopped',
} as const

/** Ends a running execution and cancels its timers. */
export function endExecution(core: Core, execution: Execution, status: FinalStatus, ending: Ending): void {
  const now = Date.now()
  execution.status = status
  execution.result = ending.result ?? null
  execution.error = ending.error === undefined ? null : JSON.stringify(ending.error)
  execution.ended_at = now
  execution.expires_at = now + Math.round(execution.retention_days * 86_400_000)
  execution.wake_at = null
  execution.notify_at = status === 'SUCCEEDED' ? null : now
  recordEvent(
    core.store,
    execution,
    END_EVENT[status],
    now,
    undefined,
    status === 'SUCCEEDED' ? { Result: { Payload: ending.result } } : { Error: { Payload: ending.error } },
  )
  saveExecution(core.store, execution)
  core.store.run('UPDATE operation SET due_at = NULL WHERE execution = ? AND due_at IS NOT NULL', execution.id)
  observeExecution(core, execution, now)
  core.alarm(execution.expires_at)
  if (execution.notify_at !== null) core.alarm(now)
  core.store.afterCommit(() => core.ended(execution.id))
}

/** Schedules an invocation. A running invocation needs none: the driver checks for changes when it ends. */
export function wakeExecution(core: Core, execution: Execution, at: number): void {
  if (execution.status !== 'RUNNING' || execution.in_flight === 1) return
  if (execution.wake_at !== null && execution.wake_at <= at) return
  execution.wake_at = at
  core.store.run('UPDATE execution SET wake_at = ? WHERE id = ?', at, execution.id)
  core.alarm(at)
}

/** Lists executions for ListDurableExecutionsByFunction, newest first by default. */
export function listExecutions(
  store: Store,
  filter: ExecutionFilter & {
    version?: number | undefined
    startedAfter?: number
    startedBefore?: number
    oldestFirst?: boolean
    /** Id of the last execution of the previous page. */
    after?: number
  },
): (ExecutionSummary & { id: number })[] {
  const conditions: [string, string | number | undefined][] = [
    ['function = ?', filter.functionName],
    ['function_version = ?', filter.version],
    ['name = ?', filter.name],
    ['started_at > ?', filter.startedAfter],
    ['started_at < ?', filter.startedBefore],
    [filter.oldestFirst ? 'id > ?' : 'id < ?', filter.after],
    [
      'status IN (SELECT value FROM json_each(?))',
      filter.statuses?.length ? JSON.stringify(filter.statuses) : undefined,
    ],
  ]
  const used = conditions.filter((condition): condition is [string, string | number] => condition[1] !== undefined)
  const where = used.length === 0 ? '' : `WHERE ${used.map(([sql]) => sql).join(' AND ')}`
  return store
    .all<Execution>(
      `SELECT id, arn, function, function_version, name, status, started_at, ended_at FROM execution ${where}
       ORDER BY id ${filter.oldestFirst ? 'ASC' : 'DESC'} LIMIT ?`,
      ...used.map(([, value]) => value),
      filter.limit ?? 1000,
    )
    .map((row) => ({ id: row.id, ...summaryOf(row) }))
}

/** Returns the details of an execution. */
export function detailOf(execution: Execution): ExecutionDetail {
  return {
    ...summaryOf(execution),
    input: execution.input,
    ...(execution.result === null ? {} : { result: execution.result }),
    ...(execution.error === null ? {} : { error: JSON.parse(execution.error) }),
  }
}

function summaryOf(row: Execution): ExecutionSummary {
  return {
    arn: row.arn,
    name: row.name,
    functionName: row.function,
    version: row.function_version,
    status: row.status,
    startedAt: row.started_at,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  }
}

function observeExecution(core: Core, execution: Execution, at: number): void {
  const { result, error } = detailOf(execution)
  core.store.afterCommit(() =>
    core.observe({
      at,
      kind: 'execution',
      functionName: execution.function,
      execution: execution.name,
      arn: execution.arn,
      status: execution.status,
      ...(result === undefined ? {} : { result }),
      ...(error === undefined ? {} : { error }),
    }),
  )
}
