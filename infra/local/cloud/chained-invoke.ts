import type { Core } from './core.ts'
import type { DurableService } from './durable.ts'
import { type Execution, startExecution } from './executions.ts'
import { MAX_PAYLOAD_BYTES } from './limits.ts'
import { parseFunctionName, versionOf } from './names.ts'
import type { Operation } from './operations.ts'
import { invokeBegun } from './transitions.ts'
import type { FunctionError } from './types.ts'
import type { Workers } from './workers.ts'

/**
 * Calls the function of a CHAINED_INVOKE: starts an execution of a durable one, whose end completes the operation;
 * invokes a plain one, and again after a crash in between. Runs inside the transaction of who calls this.
 */
export function callFunction(
  core: Core,
  service: DurableService,
  workers: Workers,
  execution: Execution,
  operation: Operation,
): void {
  const { functionName = '', payload = '{}' } = operation.details
  const name = parseFunctionName(functionName) ?? functionName
  const fn = core.versions.of(name, versionOf(functionName))
  if (fn?.durable !== undefined) {
    const waiting = { execution: execution.id, operation: operation.id }
    const child = startExecution(core, { ...fn, durable: fn.durable }, undefined, payload, waiting)
    invokeBegun(core, execution, operation, child.arn)
    return
  }
  invokeBegun(core, execution, operation, undefined)
  core.store.afterCommit(async () => {
    const ending = await workers.invoke(fn ?? name, () => ({ event: payload, execution: execution.name }))
    if (ending === undefined) return
    const error = Buffer.byteLength(ending.result ?? '') > MAX_PAYLOAD_BYTES ? RESULT_TOO_LARGE : ending.error
    if (error === undefined) service.completeInvoke(execution.id, operation.id, 'SUCCEEDED', { result: ending.result })
    else service.completeInvoke(execution.id, operation.id, 'FAILED', { error: errorObject(error) })
  })
}

const RESULT_TOO_LARGE: FunctionError = {
  errorType: 'InvalidParameterValueException',
  errorMessage: `CHAINED_INVOKE output payload size must be less than or equal to ${MAX_PAYLOAD_BYTES} bytes.`,
}

function errorObject({ errorType, errorMessage, trace }: FunctionError) {
  return { ErrorType: errorType, ErrorMessage: errorMessage, StackTrace: trace }
}
