import { type Core, delayMs } from './core.ts'
import { type DurableService, tokenOf } from './durable.ts'
import type { Invocation, InvocationEnd } from './environment.ts'
import { ApiError } from './errors.ts'
import type { Execution } from './execution.ts'
import { executionById, saveExecution, wakeExecution } from './executions.ts'
import { recordEvent } from './history.ts'
import { chargeUse } from './limits.ts'
import type { Notifier } from './notifier.ts'
import { changedOperations, dueOperations, isReady, isWaiting } from './operations.ts'
import { fireOperation } from './transitions.ts'
import type { FunctionError } from './types.ts'
import { operationPage } from './wire.ts'
import type { Workers } from './workers.ts'

/** Number of rows that one tick processes, so that it does not block the event loop. */
const BATCH = 200
const MAX_BACKOFF_SECONDS = 60

interface Due {
  id: number
  function: string
  function_version: number
}

/** Invokes functions, completes timers and times out executions when they are due. Uses one timer for the next due time. */
export class Driver {
  readonly #core: Core
  readonly #service: DurableService
  readonly #workers: Workers
  readonly #notifier: Notifier
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires, on the clock of `performance`, which never jumps. */
  #firesAt = Number.POSITIVE_INFINITY
  #stopped = true

  constructor(core: Core, service: DurableService, workers: Workers, notifier: Notifier) {
    this.#core = core
    this.#service = service
    this.#workers = workers
    this.#notifier = notifier
  }

  /** Continues the executions of an earlier process. Invocations that it interrupted start again. */
  start(): void {
    const { store } = this.#core
    const now = Date.now()
    store.transaction(() => {
      store.run('UPDATE execution SET in_flight = 0, wake_at = ? WHERE in_flight = 1', now)
      store.run('UPDATE execution SET notify_at = ? WHERE notify_at IS NOT NULL', now)
    })
    this.#stopped = false
    this.alarm(now)
  }

  /** Stops starting invocations. */
  stop(): void {
    this.#stopped = true
    this.#notifier.stop()
    clearTimeout(this.#timer)
  }

  /** Schedules a tick at `at`, in milliseconds since 1970. */
  alarm(at: number): void {
    const ms = Math.min(Math.max(0, at - Date.now()), this.#core.clockCheckMs)
    const firesAt = performance.now() + ms
    if (this.#stopped || firesAt >= this.#firesAt) return
    clearTimeout(this.#timer)
    this.#firesAt = firesAt
    this.#timer = setTimeout(() => this.#tick(), ms)
  }

  #tick(): void {
    const { store } = this.#core
    const now = Date.now()
    const next = store.transaction(() => {
      this.#endOverdue(now)
      this.#fireDue(now)
      store.run(
        'DELETE FROM execution WHERE id IN (SELECT id FROM execution WHERE expires_at <= ? LIMIT ?)',
        now,
        BATCH,
      )
      return store.all<Due>(
        `UPDATE execution SET wake_at = NULL, in_flight = 1 WHERE id IN
         (SELECT id FROM execution WHERE wake_at <= ? ORDER BY wake_at LIMIT ?) RETURNING id, function, function_version`,
        now,
        BATCH,
      )
    })
    for (const due of next) void this.#invoke(due)
    this.#notifier.notify(now, BATCH)
    this.#firesAt = Number.POSITIVE_INFINITY
    const due = store.get<{ at: number | null }>(NEXT_DUE)?.at ?? null
    if (due !== null) this.alarm(due)
  }

  #endOverdue(now: number): void {
    const overdue = this.#core.store.all<{ id: number }>(
      `SELECT id FROM execution WHERE status = 'RUNNING' AND deadline <= ? ORDER BY deadline LIMIT ?`,
      now,
      BATCH,
    )
    for (const { id } of overdue) {
      const execution = executionById(this.#core.store, id)
      if (execution === undefined) continue
      const ErrorMessage = `Execution timed out after ${execution.timeout_seconds} seconds`
      this.#service.end(execution, 'TIMED_OUT', { error: { ErrorType: 'Execution.Timeout', ErrorMessage } })
    }
  }

  #fireDue(now: number): void {
    for (const operation of dueOperations(this.#core.store, now, BATCH)) {
      const execution = executionById(this.#core.store, operation.execution)
      if (execution === undefined) continue
      fireOperation(this.#core, execution, operation)
      saveExecution(this.#core.store, execution)
      wakeExecution(this.#core, execution, now)
    }
  }

  async #invoke({ id, function: name, function_version: version }: Due): Promise<void> {
    const fn = this.#core.versions.of(name, version)
    const ending = await this.#workers.invoke(fn ?? `${name}:${version}`, () => this.#prepare(id))
    // Interrupted by the end of this process: stays in flight, so that the next process starts it again.
    if (ending === undefined && this.#stopped) return
    this.#settle(id, ending)
  }

  /** Creates the event of an invocation and invalidates the tokens of earlier invocations. */
  #prepare(id: number): Invocation | undefined {
    const { store } = this.#core
    return store.transaction(() => {
      const execution = executionById(store, id)
      if (execution?.status !== 'RUNNING') return undefined
      const updated = changedOperations(store, id, execution.delivered).map((operation) => operation.id)
      const isFirst = execution.token === 0
      execution.token += 1
      execution.delivered = execution.version
      saveExecution(store, execution)
      const event = {
        DurableExecutionArn: execution.arn,
        CheckpointToken: tokenOf(execution),
        ...(isFirst ? {} : { UpdatedOperationIds: updated }),
        InitialExecutionState: operationPage(store, execution, {}, 'iso'),
      }
      return { event: JSON.stringify(event), execution: execution.name }
    })
  }

  #settle(id: number, ending: InvocationEnd | undefined): void {
    const { store } = this.#core
    store.transaction(() => {
      const execution = executionById(store, id)
      if (execution === undefined) return
      execution.in_flight = 0
      if (execution.status === 'RUNNING' && ending !== undefined) this.#advance(execution, ending)
      else saveExecution(store, execution)
    })
  }

  /** Completes, suspends or retries an execution after an invocation. */
  #advance(execution: Execution, ending: InvocationEnd): void {
    const core = this.#core
    recordEvent(core.store, execution, 'InvocationCompleted', ending.endedAt, undefined, {
      StartTimestamp: ending.startedAt,
      EndTimestamp: ending.endedAt,
      RequestId: ending.requestId,
      ...(ending.error === undefined
        ? {}
        : { Error: { Payload: { ErrorType: ending.error.errorType, ErrorMessage: ending.error.errorMessage } } }),
    })
    if (ending.error !== undefined) {
      this.#retry(execution, ending.error)
      return
    }
    const answer: unknown = JSON.parse(ending.result ?? 'null')
    const { Status, Result, Error: error } = (answer ?? {}) as { Status?: unknown; Result?: string; Error?: object }
    execution.failures = 0
    if (Status === 'SUCCEEDED') this.#service.end(execution, 'SUCCEEDED', { result: Result })
    else if (Status === 'FAILED') this.#service.end(execution, 'FAILED', { error: error ?? {} })
    else if (Status !== 'PENDING') this.#service.end(execution, 'FAILED', { error: NOT_DURABLE })
    else if (!isWaiting(core.store, execution.id) && execution.version === execution.delivered)
      this.#service.end(execution, 'FAILED', { error: NOTHING_PENDING })
    else {
      saveExecution(core.store, execution)
      // A step that became ready in the response to a checkpoint was delivered, but not retried yet.
      if (execution.version > execution.delivered || isReady(core.store, execution.id))
        wakeExecution(core, execution, Date.now())
    }
  }

  /** Retries a failed invocation with backoff until the execution times out, as Lambda does. */
  #retry(execution: Execution, error: FunctionError): void {
    const seconds = Math.min(2 ** execution.failures, MAX_BACKOFF_SECONDS)
    execution.failures += 1
    try {
      chargeUse(execution, 1, Buffer.byteLength(JSON.stringify(error)))
    } catch (limit) {
      if (!(limit instanceof ApiError)) throw limit
      this.#service.end(execution, 'FAILED', { error: { ErrorType: limit.type, ErrorMessage: limit.message } })
      return
    }
    saveExecution(this.#core.store, execution)
    wakeExecution(this.#core, execution, Date.now() + delayMs(this.#core, seconds))
  }
}

const NEXT_DUE = `SELECT min(at) AS at FROM (
  SELECT min(wake_at) AS at FROM execution WHERE wake_at IS NOT NULL
  UNION ALL SELECT min(deadline) FROM execution WHERE status = 'RUNNING'
  UNION ALL SELECT min(due_at) FROM operation WHERE due_at IS NOT NULL
  UNION ALL SELECT min(notify_at) FROM execution WHERE notify_at IS NOT NULL
  UNION ALL SELECT min(expires_at) FROM execution WHERE expires_at IS NOT NULL)`

const NOT_DURABLE = {
  ErrorType: 'InvalidParameterValueException',
  ErrorMessage:
    'The function did not return the status of a durable execution. Wrap its handler in withDurableExecution.',
}

const NOTHING_PENDING = {
  ErrorType: 'InvalidParameterValueException',
  ErrorMessage: 'Cannot return PENDING status with no pending operations.',
}
