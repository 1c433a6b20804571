import { randomBytes } from 'node:crypto'
import type { ErrorObject, OperationUpdate } from '@aws-sdk/client-lambda'
import { type Core, delayMs } from './core.ts'
import { ApiError, invalidParameter } from './errors.ts'
import type { Execution } from './execution.ts'
import { executionById, saveExecution, startExecution, wakeExecution } from './executions.ts'
import { recordEvent } from './history.ts'
import { charge } from './limits.ts'
import type { Operation } from './operation.ts'
import { findOperation, insertOperation, operationAt, pruneBelow, saveOperation } from './operations.ts'
import { resolveFunction } from './resolve-function.ts'
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
 * Applies one update of CheckpointDurableExecution to its operation. Does not handle the type EXECUTION.
 *
 * @throws InvalidParameterValueException if the update does not fit the state of the operation or exceeds a limit
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
      // A waitForCondition passes its state as a payload. It has not failed.
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
 * Ends an operation. The caller wakes the execution if its function must be notified.
 *
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
  if (operation.type === 'STEP') details.attempt = (details.attempt ?? 0) + 1
  const retry = operation.type === 'STEP' ? { CurrentAttempt: details.attempt } : undefined
  // The history has no event for a canceled callback.
  if (operation.type !== 'CALLBACK' || status !== 'CANCELLED')
    record(core, execution, operation, EVENT_SUFFIX[status], retry)
  saveOperation(core, execution, operation)
  if (operation.type === 'CONTEXT' && !details.replayChildren) pruneBelow(core.store, operation)
}

/** Changes an operation that is due: ends a wait, makes a step ready for its next attempt, times out a callback. */
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
    endOperation(core, execution, operation, 'TIMED_OUT', {
      error: { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' },
    })
  }
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
      const { TimeoutSeconds } = update.CallbackOptions ?? {}
      details.callbackId = operation.callback_id = randomBytes(96).toString('base64')
      operation.due_at = TimeoutSeconds ? now + delayMs(core, TimeoutSeconds) : null
      recordEvent(core.store, execution, 'CallbackStarted', now, operation, {
        CallbackId: details.callbackId,
        Timeout: TimeoutSeconds,
      })
      break
    }
    case 'CHAINED_INVOKE':
      saveOperation(core, execution, operation)
      invoke(core, execution, operation, update)
      return
    default:
      record(core, execution, operation, 'Started')
  }
  saveOperation(core, execution, operation)
}

/** Starts the execution of a chained invocation. The operation fails at once if there is no such function. */
function invoke(core: Core, execution: Execution, operation: Operation, update: OperationUpdate): void {
  const { FunctionName = '' } = update.ChainedInvokeOptions ?? {}
  const input = update.Payload ?? 'null'
  try {
    const { durable, ...fn } = resolveFunction(core.versions, FunctionName)
    if (durable === undefined) throw invalidParameter('The local cloud supports context.invoke for durable functions.')
    const invoked = startExecution(core, { ...fn, durable }, undefined, input, operation.seq)
    recordEvent(core.store, execution, 'ChainedInvokeStarted', Date.now(), operation, {
      FunctionName,
      Input: { Payload: input },
      ExecutedVersion: String(fn.version),
      DurableExecutionArn: invoked.arn,
    })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    endOperation(core, execution, operation, 'FAILED', {
      error: { ErrorType: error.type, ErrorMessage: error.message },
    })
  }
}

/** Ends the chained invocation that started an execution with its result, and wakes the execution that waits for it. */
export function endInvocation(core: Core, { invoked_by: by, status, result, error }: Execution): void {
  const operation = by === null ? undefined : operationAt(core.store, by)
  const execution = operation && executionById(core.store, operation.execution)
  if (execution?.status !== 'RUNNING' || operation?.status !== 'STARTED' || status === 'RUNNING') return
  endOperation(core, execution, operation, status, {
    ...(result === null ? {} : { result }),
    ...(error === null ? {} : { error: JSON.parse(error) }),
  })
  saveExecution(core.store, execution)
  wakeExecution(core, execution, Date.now())
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
