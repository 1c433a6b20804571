import type { ErrorObject, OperationUpdate } from '@aws-sdk/client-lambda'
import type { Core } from './core.ts'
import { callbackClosed, invalidParameter, invalidToken } from './errors.ts'
import {
  type Ending,
  type Execution,
  endExecution,
  executionById,
  executionOf,
  type FinalStatus,
  saveExecution,
  startExecution,
  wakeExecution,
} from './executions.ts'
import { assertError, assertPayload, charge } from './limits.ts'
import { changedOperations, dueOperationsOf, findCallback, findOperation } from './operations.ts'
import { applyUpdate, endOperation, fireOperation, heartbeat } from './transitions.ts'
import { validateUpdates } from './validation.ts'
import type { PublishedFunction } from './versions.ts'
import { operationPage, operationToWire } from './wire.ts'

/** The durable execution API as a function uses it: start, checkpoint, read state, complete callbacks, stop. */
export class DurableService {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  /** @see startExecution, whose parameters and errors these are */
  start(fn: PublishedFunction, name: string | undefined, input: string): Execution {
    const { durable } = fn
    if (durable === undefined) throw invalidParameter(`The function ${fn.name} is not a durable function.`)
    return startExecution(this.#core, { ...fn, durable }, name, input)
  }

  /**
   * CheckpointDurableExecution: applies all updates or none.
   * @param request `token` of the invocation or of the checkpoint before; `clientToken` tells a repeat of the same call
   * @returns the next token and the operations that changed since the last one was given
   * @throws InvalidParameterValueException with "Invalid Checkpoint Token" when the token is stale, or when an update
   *   does not fit
   */
  checkpoint(
    arn: string,
    request: { token: string; clientToken?: string; updates: OperationUpdate[] },
  ): Record<string, unknown> {
    const core = this.#core
    return core.store.transaction(() => {
      const execution = executionOf(core.store, arn)
      const given = readToken(request.token, execution)
      const isRepeat =
        request.clientToken !== undefined &&
        request.clientToken === execution.client_token &&
        given === execution.token - 1
      if (isRepeat) return answer(core, execution, execution.client_version ?? 0)
      assertCurrent(execution, given)
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
      return answer(core, execution, execution.client_version)
    })
  }

  /**
   * GetDurableExecutionState: one page of operations.
   * @throws InvalidParameterValueException when the token is stale
   */
  state(arn: string, request: { token: string; marker?: string; limit?: number }): Record<string, unknown> {
    const { store } = this.#core
    const execution = executionOf(store, arn)
    assertCurrent(execution, readToken(request.token, execution))
    return operationPage(store, execution, { limit: 100, ...request }, 'seconds')
  }

  /**
   * StopDurableExecution. Stopping what has ended changes nothing.
   * @returns when it ended, in milliseconds since 1970
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
   * SendDurableExecutionCallbackSuccess, ...Failure and ...Heartbeat.
   * @param ending the result's text, the error, or 'heartbeat'
   * @throws CallbackTimeoutException when it was completed, timed out, or its execution has ended
   * @throws InvalidParameterValueException if the callback is unknown: there was none, or its execution is forgotten
   */
  callback(id: string, ending: { result: string } | { error: ErrorObject } | 'heartbeat'): void {
    const core = this.#core
    if (ending !== 'heartbeat') {
      if ('result' in ending) assertPayload('CALLBACK output', Buffer.byteLength(ending.result))
      else assertError(ending.error)
    }
    core.store.transaction(() => {
      const operation = findCallback(core.store, id)
      // The service model lists no ResourceNotFoundException for callbacks.
      if (operation === undefined) throw invalidParameter('Invalid callback ID.')
      const execution = executionById(core.store, operation.execution)
      const isLate = operation.due_at !== null && operation.due_at <= Date.now()
      if (execution?.status !== 'RUNNING' || operation.status !== 'STARTED' || isLate) throw callbackClosed()
      if (ending === 'heartbeat') return heartbeat(core, operation)
      endOperation(core, execution, operation, 'result' in ending ? 'SUCCEEDED' : 'FAILED', ending)
      saveExecution(core.store, execution)
      wakeExecution(core, execution, Date.now())
    })
  }

  /**
   * Ends a running execution, and the operation of the one that waits for it.
   * @param ending JSON text of the result, or the error
   */
  end(execution: Execution, status: FinalStatus, ending: Ending): void {
    endExecution(this.#core, execution, status, ending)
    if (execution.waiting === null) return
    this.completeInvoke(execution.waiting, execution.waiting_operation ?? '', status, ending)
  }

  /** Completes a CHAINED_INVOKE with the end of the function it called, if it is still waited for. */
  completeInvoke(executionId: number, operationId: string, status: FinalStatus, ending: Ending): void {
    const core = this.#core
    core.store.transaction(() => {
      const execution = executionById(core.store, executionId)
      const operation = findOperation(core.store, executionId, operationId)
      if (execution?.status !== 'RUNNING' || operation?.status !== 'STARTED') return
      endOperation(core, execution, operation, status, ending)
      saveExecution(core.store, execution)
      wakeExecution(core, execution, Date.now())
    })
  }

  /** Does what is due in an execution, so that a function that polls at the very moment sees it. */
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

/** @returns the token that the next checkpoint of this execution must show */
export function tokenOf(execution: Execution): string {
  return Buffer.from(`${execution.uuid}:${execution.token}`).toString('base64')
}

function readToken(token: string, execution: Execution): number {
  const parts = /^([\w-]+):(\d+)$/.exec(Buffer.from(token, 'base64').toString())
  if (parts === null || parts[1] !== execution.uuid) throw invalidToken('it does not belong to this execution.')
  return Number(parts[2])
}

function assertCurrent(execution: Execution, given: number): void {
  if (execution.status !== 'RUNNING') throw invalidToken(`the execution has ended with ${execution.status}.`)
  if (given !== execution.token) throw invalidToken('it was used, or another invocation has taken over.')
}

function answer(core: Core, execution: Execution, since: number): Record<string, unknown> {
  const changed = changedOperations(core.store, execution.id, since)
  return {
    CheckpointToken: tokenOf(execution),
    NewExecutionState: { Operations: changed.map((operation) => operationToWire(operation, 'seconds')) },
  }
}
