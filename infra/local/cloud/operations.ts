import type { ErrorObject, OperationStatus, OperationType, OperationUpdate } from '@aws-sdk/client-lambda'
import type { Core } from './core.ts'
import { invalidParameter } from './errors.ts'
import type { Execution } from './executions.ts'
import type { Store } from './store.ts'
import type { OperationSummary } from './types.ts'

/** A row of the table `operation`; times are milliseconds since 1970. */
export interface Operation {
  readonly seq: number
  readonly execution: number
  readonly id: string
  readonly parent: string | null
  readonly name: string | null
  readonly type: OperationType
  readonly sub_type: string | null
  readonly started_at: number
  status: OperationStatus
  ended_at: number | null
  /** When the server itself changes the operation: end of a wait, of a retry's delay, of a callback's time. */
  due_at: number | null
  /** The execution's version at the last change. */
  version: number
  /** 1 when a replay does not need it, because an ancestor ended and holds the result. */
  pruned: number
  callback_id: string | null
  details: {
    /** Attempts that ended. */
    attempt?: number
    nextAttemptAt?: number
    endsAt?: number
    seconds?: number
    callbackId?: string
    /** When the callback times out, whatever heartbeats come. */
    timeoutAt?: number
    heartbeatSeconds?: number
    replayChildren?: boolean
    functionName?: string
    tenantId?: string
    payload?: string
    result?: string
    error?: ErrorObject
  }
}

type OperationRow = Omit<Operation, 'details'> & { details: string }
/** @returns the operation of this id in an execution */
export function findOperation(store: Store, execution: number, id: string): Operation | undefined {
  return parse(store.get<OperationRow>('SELECT * FROM operation WHERE execution = ? AND id = ?', execution, id))
}

/** @returns the operation that waits for this callback */
export function findCallback(store: Store, callbackId: string): Operation | undefined {
  return parse(store.get<OperationRow>('SELECT * FROM operation WHERE callback_id = ?', callbackId))
}

/** @returns all operations that changed after a version, the oldest first, pruned ones too */
export function changedOperations(store: Store, execution: number, version: number): Operation[] {
  return store
    .all<OperationRow>('SELECT * FROM operation WHERE execution = ? AND version > ? ORDER BY seq', execution, version)
    .map((row) => parse(row))
}

/** @returns operations whose time has come, the earliest first */
export function dueOperations(store: Store, now: number, limit: number): Operation[] {
  return store
    .all<OperationRow>('SELECT * FROM operation WHERE due_at <= ? ORDER BY due_at LIMIT ?', now, limit)
    .map((row) => parse(row))
}

/** @returns those of one execution, without function calls, which are the driver's */
export function dueOperationsOf(store: Store, execution: number, now: number): Operation[] {
  return store
    .all<OperationRow>(
      `SELECT * FROM operation WHERE execution = ? AND due_at <= ? AND type != 'CHAINED_INVOKE' ORDER BY due_at`,
      execution,
      now,
    )
    .map((row) => parse(row))
}

/** @returns the newest operations of an execution, the oldest first, as a reader may want them */
export function listOperations(store: Store, execution: number): OperationSummary[] {
  return store
    .all<OperationRow>('SELECT * FROM operation WHERE execution = ? ORDER BY seq DESC LIMIT 500', execution)
    .reverse()
    .map((row) => summaryOf(parse(row)))
}

function summaryOf({ id, name, type, sub_type, status, started_at, ended_at, due_at, details }: Operation) {
  const { attempt, result, payload = result, error } = details
  return {
    id,
    type,
    status,
    startedAt: started_at,
    ...(name === null ? {} : { name }),
    ...(sub_type === null ? {} : { subType: sub_type }),
    ...(ended_at === null ? {} : { endedAt: ended_at }),
    ...(attempt === undefined ? {} : { attempts: attempt }),
    ...(due_at === null || type === 'CHAINED_INVOKE' ? {} : { nextAt: due_at }),
    ...(payload === undefined ? {} : { result: payload }),
    ...(error === undefined ? {} : { error }),
  }
}

/** @returns whether nothing more can happen to the operation */
function hasEnded(operation: Operation): boolean {
  return ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED', 'CANCELLED'].includes(operation.status)
}

/** @returns whether the execution waits for anything: without that, an invocation that ends PENDING would be the last */
export function isWaiting(store: Store, execution: number): boolean {
  return (
    store.get(
      `SELECT 1 FROM operation WHERE execution = ? AND pruned = 0 AND (status IN ('PENDING', 'READY')
       OR (status = 'STARTED' AND type IN ('WAIT', 'CALLBACK', 'CHAINED_INVOKE'))) LIMIT 1`,
      execution,
    ) !== undefined
  )
}

/** @returns whether a step may be tried again now */
export function isReady(store: Store, execution: number): boolean {
  return (
    store.get(`SELECT 1 FROM operation WHERE execution = ? AND pruned = 0 AND status = 'READY' LIMIT 1`, execution) !==
    undefined
  )
}

/**
 * Inserts the operation that an update starts.
 * @throws InvalidParameterValueException when its parent is no child context
 */
export function insertOperation(store: Store, execution: Execution, update: OperationUpdate, now: number): Operation {
  const parent = update.ParentId === undefined ? undefined : findOperation(store, execution.id, update.ParentId)
  if (update.ParentId !== undefined && parent?.type !== 'CONTEXT')
    throw invalidParameter('Invalid parent operation id.')
  const isClosed = parent !== undefined && hasEnded(parent) && !parent.details.replayChildren
  const { lastInsertRowid } = store.run(
    `INSERT INTO operation (execution, id, parent, name, type, sub_type, status, started_at, version, pruned, details)
     VALUES (?, ?, ?, ?, ?, ?, 'STARTED', ?, 0, ?, '{}')`,
    ...[execution.id, update.Id ?? '', update.ParentId ?? null, update.Name ?? null, update.Type ?? ''],
    ...[update.SubType ?? null, now, Number(isClosed || parent?.pruned === 1)],
  )
  const row = store.get<OperationRow>('SELECT * FROM operation WHERE seq = ?', lastInsertRowid)
  if (row === undefined) throw new Error(`Operation ${update.Id} vanished while it was started`)
  return parse(row)
}

/** Writes an operation back as the newest change of its execution; who calls this saves the execution. */
export function saveOperation(core: Core, execution: Execution, operation: Operation): void {
  execution.version += 1
  operation.version = execution.version
  core.store.run(
    'UPDATE operation SET status = ?, ended_at = ?, due_at = ?, version = ?, callback_id = ?, details = ? WHERE seq = ?',
    ...[operation.status, operation.ended_at, operation.due_at, operation.version, operation.callback_id],
    ...[JSON.stringify(operation.details), operation.seq],
  )
  if (operation.due_at !== null) core.alarm(operation.due_at)
  observe(core, execution, operation)
}

/** Takes what is below an ended child context out of the state that a replay gets. */
export function pruneBelow(store: Store, context: Operation): void {
  store.run(
    `WITH RECURSIVE below (id) AS (
       SELECT id FROM operation WHERE execution = ?1 AND parent = ?2
       UNION SELECT operation.id FROM operation JOIN below ON operation.parent = below.id WHERE operation.execution = ?1)
     UPDATE operation SET pruned = 1, due_at = CASE type WHEN 'CHAINED_INVOKE' THEN due_at END
     WHERE execution = ?1 AND id IN (SELECT id FROM below)`,
    context.execution,
    context.id,
  )
}

function observe(core: Core, execution: Execution, operation: Operation): void {
  const { details, type, status, sub_type, name, due_at } = operation
  const attempt =
    type !== 'STEP' ? undefined : (details.attempt ?? 0) + Number(status === 'STARTED' || status === 'READY')
  // The error of an attempt that ended is no news of the one that follows it.
  const error = status === 'STARTED' || status === 'READY' ? undefined : details.error
  const observation = {
    at: Date.now(),
    kind: 'operation' as const,
    functionName: execution.function,
    execution: execution.name,
    arn: execution.arn,
    id: operation.id,
    ...(name === null ? {} : { name }),
    type,
    ...(sub_type === null ? {} : { subType: sub_type }),
    status,
    ...(attempt === undefined ? {} : { attempt }),
    ...(due_at === null || type === 'CHAINED_INVOKE' ? {} : { nextAt: due_at }),
    ...(error === undefined ? {} : { error }),
  }
  core.store.afterCommit(() => core.observe(observation))
}

function parse(row: OperationRow): Operation
function parse(row: OperationRow | undefined): Operation | undefined
function parse(row: OperationRow | undefined): Operation | undefined {
  return row === undefined ? undefined : { ...row, details: JSON.parse(row.details) }
}
