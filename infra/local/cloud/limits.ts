import type { ErrorObject, OperationUpdate } from '@aws-sdk/client-lambda'
import { invalidParameter } from './errors.ts'
import type { Execution } from './execution.ts'

/** Limits of AWS for one durable execution. */
export const MAX_OPERATIONS = 3000
const MAX_PAYLOAD_BYTES = 256 * 1024
const MAX_ERROR_BYTES = 32 * 1024
export const MAX_EXECUTION_BYTES = 100 * 1024 * 1024

/** @throws InvalidParameterValueException if the error of an operation or an execution is too large */
export function assertError(error: ErrorObject): void {
  if (Buffer.byteLength(JSON.stringify(error)) > MAX_ERROR_BYTES)
    throw invalidParameter(`Error object size must be less than ${MAX_ERROR_BYTES} bytes.`)
}

/** @throws InvalidParameterValueException if the payload of an operation is too large */
export function assertPayload(subject: string, bytes: number): void {
  if (bytes > MAX_PAYLOAD_BYTES)
    throw invalidParameter(`${subject} payload size must be less than or equal to ${MAX_PAYLOAD_BYTES} bytes.`)
}

/**
 * Adds an update to the usage of the execution. A new operation, each retry and the end of a waitForCondition count as one
 * operation each, as in AWS.
 *
 * @throws InvalidParameterValueException if the usage exceeds a limit
 */
export function charge(execution: Execution, update: OperationUpdate, isNew: boolean): void {
  const error = update.Error === undefined ? 0 : Buffer.byteLength(JSON.stringify(update.Error))
  const payload = Buffer.byteLength(update.Payload ?? '')
  // The SDK sends the result of an execution in a checkpoint only if it is too large to be returned.
  if (update.Type !== 'EXECUTION') assertPayload(`${update.Type} output`, payload)
  const endsCondition = update.SubType === 'WaitForCondition' && ['SUCCEED', 'FAIL'].includes(update.Action ?? '')
  chargeUse(execution, Number(isNew) + Number(update.Action === 'RETRY' || endsCondition), payload + error)
}

/** @throws InvalidParameterValueException if the execution exceeds its operations or its storage */
export function chargeUse(execution: Execution, operations: number, bytes: number): void {
  execution.operations += operations
  execution.bytes += bytes
  if (operations > 0 && execution.operations > MAX_OPERATIONS)
    throw invalidParameter(`Durable execution exceeded the maximum number of operations: ${MAX_OPERATIONS}.`)
  if (bytes > 0 && execution.bytes > MAX_EXECUTION_BYTES)
    throw invalidParameter(`Durable execution exceeded the maximum storage size: ${MAX_EXECUTION_BYTES} bytes.`)
}
