import { randomBytes } from 'node:crypto'
import type { ErrorObject, OperationUpdate } from '@aws-sdk/client-lambda'
import { type Core, delayMs } from './core.ts'
import type { Execution } from './executions.ts'
import { recordEvent } from './history.ts'
import { charge } from './limits.ts'
import { findOperation, insertOperation, type Operation, pruneBelow, saveOperation } from './operations.ts'
import { validateChange } from './validation.ts'

type EndStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED' | 'CANCELLED'

const END_STATUS = { SUCCEED: 'SUCCEEDED', FAIL: 'FAILED', CANCEL: 'CANCELLED' } as const

const EVENT_PREFIX = {
  STEP: 'Step',
  CONTEXT: 'Context',
  WAIT: 'Wait',
  CALLBACK: 'Callback',
  CHAINED_INVOKE: 'ChainedInvoke',
} as const

const EVENT_SUFFIX = {
  SUCCEEDED: 'Succeeded',
  FAILED: 'Failed',
  TIMED_OUT: 'TimedOut',
  STOPPED: 'Stopped',
  CANCELLED: 'Cancelled',
} as const

/**
 * Applies one update of CheckpointDurableExecution (all types but EXECUTION) to its operation.
 * @throws InvalidParameterValueException when the update does not fit the operation's state or exceeds a limit
 */
export function applyUpdate(core: Core, execution: Execution, update: OperationUpdate): void {
  const now = Date.now()
  const found = findOperation(core.store, execution.id, update.Id ?? '')
  validateChange(found, update)
  charge(execution, update, found === undefined)
  const operation = found ?? insertOperation(core.store, execution, update, now)
  const { details } = operation
  switch (update.Action) {
    case 'START':
      start(core, execution, operation, update, now)
      return
    case 'RETRY': {
      const seconds = update.StepOptions?.NextAttemptDelaySeconds ?? 0
      operation.status = 'PENDING'
      details.attempt = (details.attempt ?? 0) + 1
      details.nextAttemptAt = operation.due_at = now + delayMs(core, seconds)
      // A waitForCondition hands its state on as a payload; it did not fail.
      details.result = update.Payload
      details.error = update.Error
      record(core, execution, operation, update.Error === undefined ? 'Succeeded' : 'Failed', {
        CurrentAttempt: details.attempt,
        NextAttemptDelaySeconds: seconds,
      })
      saveOperation(core, execution, operation)
      return
    }
    default:
      if (update.Type === 'CONTEXT' && update.ContextOptions?.ReplayChildren) details.replayChildren = true
      endOperation(core, execution, operation, END_STATUS[update.Action as keyof typeof END_STATUS], {
        result: update.Payload,
        error: update.Error,
      })
  }
}

/**
 * Brings an operation to its end; who calls this wakes the execution if its function does not know yet.
 * @param ending JSON text of the result, or the error
 */
export function endOperation(
  core: Core,
  execution: Execution,
  operation: Operation,
  status: EndStatus,
  ending: { result?: string; error?: ErrorObject },
): void {
  const { details } = operation
  operation.status = status
  operation.ended_at = Date.now()
  operation.due_at = null
  details.result = ending.result
  details.error = ending.error
  delete details.nextAttemptAt
  delete details.payload
  if (operation.type === 'STEP') details.attempt = (details.attempt ?? 0) + 1
  const retry = operation.type === 'STEP' ? { CurrentAttempt: details.attempt } : undefined
  record(core, execution, operation, EVENT_SUFFIX[status], retry)
  saveOperation(core, execution, operation)
  if (operation.type === 'CONTEXT' && !details.replayChildren) pruneBelow(core.store, operation)
}

/** Does what is due: a wait ends, a step may be tried again, a callback times out. */
export function fireOperation(core: Core, execution: Execution, operation: Operation): void {
  const { details } = operation
  if (operation.type === 'WAIT') {
    endOperation(core, execution, operation, 'SUCCEEDED', {})
  } else if (operation.type === 'STEP') {
    operation.status = 'READY'
    operation.due_at = null
    delete details.nextAttemptAt
    saveOperation(core, execution, operation)
  } else if (operation.type === 'CALLBACK') {
    const isTimeout = details.timeoutAt !== undefined && details.timeoutAt <= Date.now()
    endOperation(core, execution, operation, 'TIMED_OUT', {
      error: isTimeout
        ? { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' }
        : { ErrorType: 'Callback.Heartbeat', ErrorMessage: 'Callback heartbeat timed out' },
    })
  }
}

/** Counts a heartbeat of a callback: its heartbeat time-out starts anew. */
export function heartbeat(core: Core, operation: Operation): void {
  const { heartbeatSeconds, timeoutAt } = operation.details
  if (heartbeatSeconds === undefined) return
  const due = Math.min(Date.now() + delayMs(core, heartbeatSeconds), timeoutAt ?? Number.POSITIVE_INFINITY)
  core.store.run('UPDATE operation SET due_at = ? WHERE seq = ?', due, operation.seq)
  core.alarm(due)
}

/** Notes that the function of a CHAINED_INVOKE was called, so that it is not called again. */
export function invokeBegun(
  core: Core,
  execution: Execution,
  operation: Operation,
  childArn: string | undefined,
): void {
  const { functionName, tenantId, payload } = operation.details
  operation.due_at = null
  core.store.run('UPDATE operation SET due_at = NULL WHERE seq = ?', operation.seq)
  recordEvent(core.store, execution, 'ChainedInvokeStarted', Date.now(), operation, {
    FunctionName: functionName,
    TenantId: tenantId,
    Input: { Payload: payload },
    ExecutedVersion: '1',
    DurableExecutionArn: childArn,
  })
}

function start(core: Core, execution: Execution, operation: Operation, update: OperationUpdate, now: number): void {
  const { details } = operation
  operation.status = 'STARTED'
  delete details.nextAttemptAt
  operation.due_at = null
  switch (operation.type) {
    case 'WAIT': {
      const seconds = update.WaitOptions?.WaitSeconds ?? 0
      details.seconds = seconds
      details.endsAt = operation.due_at = now + delayMs(core, seconds)
      recordEvent(core.store, execution, 'WaitStarted', now, operation, {
        Duration: seconds,
        ScheduledEndTimestamp: details.endsAt,
      })
      break
    }
    case 'CALLBACK': {
      const { TimeoutSeconds, HeartbeatTimeoutSeconds } = update.CallbackOptions ?? {}
      details.callbackId = operation.callback_id = randomBytes(96).toString('base64')
      if (TimeoutSeconds) details.timeoutAt = now + delayMs(core, TimeoutSeconds)
      if (HeartbeatTimeoutSeconds) details.heartbeatSeconds = HeartbeatTimeoutSeconds
      const dues = [
        details.timeoutAt,
        HeartbeatTimeoutSeconds ? now + delayMs(core, HeartbeatTimeoutSeconds) : undefined,
      ]
      const due = Math.min(...dues.map((at) => at ?? Number.POSITIVE_INFINITY))
      operation.due_at = Number.isFinite(due) ? due : null
      recordEvent(core.store, execution, 'CallbackStarted', now, operation, {
        CallbackId: details.callbackId,
        Timeout: TimeoutSeconds,
        HeartbeatTimeout: HeartbeatTimeoutSeconds,
      })
      break
    }
    case 'CHAINED_INVOKE':
      details.functionName = update.ChainedInvokeOptions?.FunctionName ?? ''
      details.tenantId = update.ChainedInvokeOptions?.TenantId
      details.payload = update.Payload ?? '{}'
      // The driver calls the function once this is committed, and after a crash in between too.
      operation.due_at = now
      break
    default:
      record(core, execution, operation, 'Started')
  }
  saveOperation(core, execution, operation)
}

function record(
  core: Core,
  execution: Execution,
  operation: Operation,
  suffix: 'Started' | (typeof EVENT_SUFFIX)[keyof typeof EVENT_SUFFIX],
  retry?: object,
): void {
  const prefix = EVENT_PREFIX[operation.type as keyof typeof EVENT_PREFIX]
  const { result, error, seconds } = operation.details
  const ending =
    operation.type === 'WAIT'
      ? { Duration: seconds }
      : suffix === 'Succeeded'
        ? { Result: { Payload: result } }
        : { Error: { Payload: error } }
  recordEvent(
    core.store,
    execution,
    `${prefix}${suffix}` as Parameters<typeof recordEvent>[2],
    Date.now(),
    operation,
    suffix === 'Started' ? {} : { ...ending, ...(retry === undefined ? {} : { RetryDetails: retry }) },
  )
}
