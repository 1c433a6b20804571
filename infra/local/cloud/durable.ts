import type { ErrorObject, OperationUpdate } from '@aws-sdk/client-lambda'
import type { Core } from './core.ts'
import { callbackClosed, invalidParameter, invalidToken } from './errors.ts'
import type { Execution } from './execution.ts'
import {
  type Ending,
  endExecution,
  executionById,
  executionOf,
  type FinalStatus,
  saveExecution,
  startExecution,
  wakeExecution,
} from './executions.ts'
import { assertPayload, charge } from './limits.ts'
import { changedOperations, dueOperationsOf, findCallback } from './operations.ts'
import { applyUpdate, endInvocation, endOperation, fireOperation } from './transitions.ts'
import { validateUpdates } from './validation.ts'
import type { InvokedFunction } from './versions.ts'
import { operationPage, operationToWire } from './wire.ts'

/** The operations of the durable execution API: start, checkpoint, read state, complete callbacks, stop. */
export class DurableService {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  /** Starts an execution. @see startExecution for parameters and errors */
  start(fn: InvokedFunction, name: string | undefined, input: string): Execution {
    const { durable } = fn
    if (durable === undefined) throw invalidParameter(`The function ${fn.name} is not a durable function.`)
    return startExecution(this.#core, { ...fn, durable }, name, input)
  }

  /**
   * CheckpointDurableExecution: applies all updates or none.
   *
   * @param request `token` comes from the invocation or the previous checkpoint; `clientToken` identifies a retry
   * @returns the next token and the operations that changed since the previous checkpoint
   * @throws InvalidParameterValueException with "Invalid Checkpoint Token" if the token is stale, or if an update is invalid
   */
  checkpoint(
    arn: string,
    request: { token: string; clientToken?: string; updates: OperationUpdate[] },
  ): Record<string, unknown> {
    const core = this.#core
    return core.store.transaction(() => {
      const execution = executionOf(core.store, arn)
      const token = readToken(request.token, execution)
      const isRetry =
        request.clientToken !== undefined &&
        request.clientToken === execution.client_token &&
        token === execution.token - 1
      if (isRetry) return checkpointResponse(core, execution, execution.client_version ?? 0)
      assertCurrent(execution, token)
      validateUpdates(request.updates)
      this.#fireDue(execution)
      for (const update of request.updates) {
        if (update.Type === 'EXECUTION') this.#endByUpdate(execution, update)
        else applyUpdate(core, execution, update)
      }
      this.#fireDue(execution)
      execution.client_token = request.clientToken ?? null
      execution.client_version = execution.delivered
      execution.token += 1
      execution.delivered = execution.version
      saveExecution(core.store, execution)
      return checkpointResponse(core, execution, execution.client_version)
    })
  }

  /**
   * GetDurableExecutionState: returns a page of operations.
   *
   * @throws InvalidParameterValueException if the token is stale
   */
  state(arn: string, request: { token: string; marker?: string; limit?: number }): Record<string, unknown> {
    const { store } = this.#core
    const execution = executionOf(store, arn)
    assertCurrent(execution, readToken(request.token, execution))
    return operationPage(store, execution, { limit: 100, ...request }, 'seconds')
  }

  /**
   * StopDurableExecution. Does nothing if the execution has ended.
   *
   * @returns the end time in milliseconds since 1970
   */
  stop(arn: string, error: ErrorObject | undefined): number {
    return this.#core.store.transaction(() => {
      const execution = executionOf(this.#core.store, arn)
      if (execution.status === 'RUNNING')
        this.end(execution, 'STOPPED', {
          error: error ?? { ErrorType: 'StoppedError', ErrorMessage: 'Execution stopped by user' },
        })
      return execution.ended_at ?? Date.now()
    })
  }

  /**
   * SendDurableExecutionCallbackSuccess.
   *
   * @throws CallbackTimeoutException if it was completed, timed out, or its execution has ended
   * @throws InvalidParameterValueException if the callback is unknown, or its execution has been deleted
   */
  succeedCallback(id: string, result: string): void {
    const core = this.#core
    assertPayload('CALLBACK output', Buffer.byteLength(result))
    core.store.transaction(() => {
      const operation = findCallback(core.store, id)
      // The service model lists no ResourceNotFoundException for callbacks.
      if (operation === undefined) throw invalidParameter('Invalid callback ID.')
      const execution = executionById(core.store, operation.execution)
      const isLate = operation.due_at !== null && operation.due_at <= Date.now()
      if (execution?.status !== 'RUNNING' || operation.status !== 'STARTED' || isLate) throw callbackClosed()
      endOperation(core, execution, operation, 'SUCCEEDED', { result })
      saveExecution(core.store, execution)
      wakeExecution(core, execution, Date.now())
    })
  }

  /** Ends a running execution. */
  end(execution: Execution, status: FinalStatus, ending: Ending): void {
    endExecution(this.#core, execution, status, ending)
    endInvocation(this.#core, execution)
  }

  /** Completes the timers of an execution that are due, so that the current checkpoint includes them. */
  #fireDue(execution: Execution): void {
    for (const operation of dueOperationsOf(this.#core.store, execution.id, Date.now()))
      fireOperation(this.#core, execution, operation)
  }

  #endByUpdate(execution: Execution, update: OperationUpdate): void {
    charge(execution, update, true)
    if (update.Action === 'SUCCEED') this.end(execution, 'SUCCEEDED', { result: update.Payload })
    else this.end(execution, 'FAILED', { error: update.Error })
  }
}

/** Returns the token that the next checkpoint of the execution must use. */
export function tokenOf(execution: Execution): string {
  return Buffer.from(`${execution.uuid}:${execution.token}`).toString('base64')
}

function readToken(token: string, execution: Execution): number {
  const parts = /^([\w-]+):(\d+)$/.exec(Buffer.from(token, 'base64').toString())
  if (parts === null || parts[1] !== execution.uuid) throw invalidToken('It belongs to another execution.')
  return Number(parts[2])
}

function assertCurrent(execution: Execution, token: number): void {
  if (execution.status !== 'RUNNING') throw invalidToken(`The execution has ended with ${execution.status}.`)
  if (token !== execution.token) throw invalidToken('It was used, or another invocation has started.')
}

function checkpointResponse(core: Core, execution: Execution, since: number): Record<string, unknown> {
  const changed = changedOperations(core.store, execution.id, since)
  return {
    CheckpointToken: tokenOf(execution),
    NewExecutionState: { Operations: changed.map((operation) => operationToWire(operation, 'seconds')) },
  }
}
