import type { OperationUpdate } from '@aws-sdk/client-lambda'
import type { Core } from './core.ts'
import { invalidParameter } from './errors.ts'
import type { Execution } from './execution.ts'
import type { Operation } from './operation.ts'
import type { Store } from './store.ts'
import type { OperationSummary } from './types.ts'

type OperationRow = Omit<Operation, 'details'> & { details: string }

/** Returns an operation of an execution by its id. */
export function findOperation(store: Store, execution: number, id: string): Operation | undefined {
  return parse(store.get<OperationRow>('SELECT * FROM operation WHERE execution = ? AND id = ?', execution, id))
}

/** Returns the operation of a callback. */
export function findCallback(store: Store, callbackId: string): Operation | undefined {
  return parse(store.get<OperationRow>('SELECT * FROM operation WHERE callback_id = ?', callbackId))
}

/** Returns an operation by the number of its row. */
export function operationAt(store: Store, seq: number): Operation | undefined {
  return parse(store.get<OperationRow>('SELECT * FROM operation WHERE seq = ?', seq))
}

/** Returns all operations that changed after a version, oldest first, including pruned operations. */
export function changedOperations(store: Store, execution: number, version: number): Operation[] {
  return store
    .all<OperationRow>('SELECT * FROM operation WHERE execution = ? AND version > ? ORDER BY seq', execution, version)
    .map((row) => parse(row))
}

/** Returns operations that are due, earliest first. */
export function dueOperations(store: Store, now: number, limit: number): Operation[] {
  return store
    .all<OperationRow>('SELECT * FROM operation WHERE due_at <= ? ORDER BY due_at LIMIT ?', now, limit)
    .map((row) => parse(row))
}

/** Returns the operations of an execution that are due, earliest first. */
export function dueOperationsOf(store: Store, execution: number, now: number): Operation[] {
  return store
    .all<OperationRow>('SELECT * FROM operation WHERE execution = ? AND due_at <= ? ORDER BY due_at', execution, now)
    .map((row) => parse(row))
}

/** Returns the latest 500 operations of an execution, oldest first. */
export function listOperations(store: Store, execution: number): OperationSummary[] {
  return store
    .all<OperationRow>('SELECT * FROM operation WHERE execution = ? ORDER BY seq DESC LIMIT 500', execution)
    .reverse()
    .map((row) => summaryOf(parse(row)))
}

function summaryOf({ id, name, type, sub_type, status, started_at, ended_at, due_at, details }: Operation) {
  const { attempt, result, error } = details
  return {
    id,
    type,
    status,
    startedAt: started_at,
    ...(name === null ? {} : { name }),
    ...(sub_type === null ? {} : { subType: sub_type }),
    ...(ended_at === null ? {} : { endedAt: ended_at }),
    ...(attempt === undefined ? {} : { attempts: attempt }),
    ...(due_at === null ? {} : { nextAt: due_at }),
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error }),
  }
}

/** Ends the waits between attempts and polls of an execution now. A callback still waits for its answer. */
export function skipWaits(store: Store, execution: number, now: number): void {
  store.run(
    `UPDATE operation SET due_at = ? WHERE execution = ? AND due_at > ? AND type IN ('WAIT', 'STEP')`,
    now,
    execution,
    now,
  )
}

/** Returns whether the operation is in a final state. */
function hasEnded(operation: Operation): boolean {
  return ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED', 'CANCELLED'].includes(operation.status)
}

/** Returns whether the execution waits for an operation. Otherwise it could never continue after PENDING. */
export function isWaiting(store: Store, execution: number): boolean {
  return (
    store.get(
      `SELECT 1 FROM operation WHERE execution = ? AND pruned = 0 AND (status IN ('PENDING', 'READY')
       OR (status = 'STARTED' AND type IN ('WAIT', 'CALLBACK', 'CHAINED_INVOKE'))) LIMIT 1`,
      execution,
    ) !== undefined
  )
}

/** Returns whether a step is ready for its next attempt. */
export function isReady(store: Store, execution: number): boolean {
  return (
    store.get(`SELECT 1 FROM operation WHERE execution = ? AND pruned = 0 AND status = 'READY' LIMIT 1`, execution) !==
    undefined
  )
}

/**
 * Inserts the operation that an update starts.
 *
 * @throws InvalidParameterValueException if its parent is not a child context
 */
export function insertOperation(store: Store, execution: Execution, update: OperationUpdate, now: number): Operation {
  const parent = update.ParentId === undefined ? undefined : findOperation(store, execution.id, update.ParentId)
  if (update.ParentId !== undefined && parent?.type !== 'CONTEXT')
    throw invalidParameter('Invalid parent operation id.')
  const isClosed = parent !== undefined && hasEnded(parent) && !parent.details.replayChildren
  const { lastInsertRowid } = store.run(
    `INSERT INTO operation (execution, id, parent, name, type, sub_type, status, started_at, version, pruned, details)
     VALUES (?, ?, ?, ?, ?, ?, 'STARTED', ?, 0, ?, '{}')`,
    execution.id,
    update.Id ?? '',
    update.ParentId ?? null,
    update.Name ?? null,
    update.Type ?? '',
    update.SubType ?? null,
    now,
    Number(isClosed || parent?.pruned === 1),
  )
  const row = store.get<OperationRow>('SELECT * FROM operation WHERE seq = ?', lastInsertRowid)
  if (row === undefined) throw new Error(`Operation ${update.Id} vanished while it was started`)
  return parse(row)
}

/** Saves an operation as the latest change of its execution. The caller saves the execution. */
export function saveOperation(core: Core, execution: Execution, operation: Operation): void {
  execution.version += 1
  operation.version = execution.version
  core.store.run(
    'UPDATE operation SET status = ?, ended_at = ?, due_at = ?, version = ?, callback_id = ?, details = ? WHERE seq = ?',
    operation.status,
    operation.ended_at,
    operation.due_at,
    operation.version,
    operation.callback_id,
    JSON.stringify(operation.details),
    operation.seq,
  )
  if (operation.due_at !== null) core.alarm(operation.due_at)
  observe(core, execution, operation)
}

/** Removes the operations below an ended child context from the state for replays. */
export function pruneBelow(store: Store, context: Operation): void {
  store.run(
    `WITH RECURSIVE below (id) AS (
       SELECT id FROM operation WHERE execution = ?1 AND parent = ?2
       UNION SELECT operation.id FROM operation JOIN below ON operation.parent = below.id WHERE operation.execution = ?1)
     UPDATE operation SET pruned = 1, due_at = NULL
     WHERE execution = ?1 AND id IN (SELECT id FROM below)`,
    context.execution,
    context.id,
  )
}

function observe(core: Core, execution: Execution, operation: Operation): void {
  const { details, type, status, sub_type, name, due_at } = operation
  const attempt =
    type !== 'STEP' ? undefined : (details.attempt ?? 0) + Number(status === 'STARTED' || status === 'READY')
  // The error of the previous attempt does not belong to the current one.
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
    ...(due_at === null ? {} : { nextAt: due_at }),
    ...(error === undefined ? {} : { error }),
  }
  core.store.afterCommit(() => core.observe(observation))
}

function parse(row: OperationRow): Operation
function parse(row: OperationRow | undefined): Operation | undefined
function parse(row: OperationRow | undefined): Operation | undefined {
  return row === undefined ? undefined : { ...row, details: JSON.parse(row.details) }
}
