import type { OperationUpdate } from '@aws-sdk/client-lambda'
import { invalidParameter } from './errors.ts'
import { assertError } from './limits.ts'
import type { Operation } from './operation.ts'

const ACTIONS: Partial<Record<string, readonly string[]>> = {
  STEP: ['START', 'RETRY', 'SUCCEED', 'FAIL'],
  CONTEXT: ['START', 'SUCCEED', 'FAIL'],
  WAIT: ['START', 'CANCEL'],
  CALLBACK: ['START', 'CANCEL'],
  CHAINED_INVOKE: ['START', 'CANCEL'],
  EXECUTION: ['SUCCEED', 'FAIL'],
}

const ID = /^[a-zA-Z0-9-_]{1,64}$/
const NAME = /^[\x20-\x7E]{1,256}$/
const SUB_TYPE = /^[a-zA-Z0-9-_]{1,32}$/
const TOKEN = /^[A-Za-z0-9+/]{1,2046}={0,2}$/
const CLIENT_TOKEN = /^[\x21-\x7E]{1,64}$/
/** 366 days. */
const MAX_SECONDS = 31_622_400

/** @throws InvalidParameterValueException if a token of CheckpointDurableExecution does not match the service model */
export function validateTokens(token: string, clientToken: string | undefined): void {
  assertMatch('checkpointToken', token, TOKEN)
  assertMatch('clientToken', clientToken, CLIENT_TOKEN)
}

/**
 * Validates the updates of one CheckpointDurableExecution request, as AWS does.
 *
 * @throws InvalidParameterValueException
 */
export function validateUpdates(updates: readonly OperationUpdate[]): void {
  const seen = new Map<string, OperationUpdate>()
  for (const [index, update] of updates.entries()) {
    const { Id, Type, Action } = update
    if (!Id) throw invalidParameter('The operation update has no Id.')
    if (!ACTIONS[Type ?? '']?.includes(Action ?? ''))
      throw invalidParameter(`Invalid action ${Action} for an operation of type ${Type}.`)
    if (Type === 'EXECUTION' && index < updates.length - 1)
      throw invalidParameter('EXECUTION checkpoint must be the last update.')
    // Only a step or a context can start and end, or retry, in one request.
    const earlier = seen.get(Id)
    const startsAndEnds = earlier?.Action === 'START' && Action !== 'START' && (Type === 'STEP' || Type === 'CONTEXT')
    if (earlier && !startsAndEnds) throw invalidParameter('Cannot update the same operation twice in a single request.')
    seen.set(Id, update)
    validateFormat(update)
    if (Type === 'CHAINED_INVOKE' && Action === 'START' && !update.ChainedInvokeOptions?.FunctionName)
      throw invalidParameter('Invalid ChainedInvokeOptions for the given action.')
    validateResult(update)
  }
}

/** The formats and ranges of the service model. */
function validateFormat(update: OperationUpdate) {
  const { Id, ParentId, Name, SubType, StepOptions, WaitOptions, CallbackOptions } = update
  assertMatch('id', Id, ID)
  assertMatch('parentId', ParentId, ID)
  assertMatch('name', Name, NAME)
  assertMatch('subType', SubType, SUB_TYPE)
  assertSeconds('nextAttemptDelaySeconds', StepOptions?.NextAttemptDelaySeconds, 1, MAX_SECONDS)
  assertSeconds('waitSeconds', WaitOptions?.WaitSeconds, 1, MAX_SECONDS)
  assertSeconds('timeoutSeconds', CallbackOptions?.TimeoutSeconds, 0)
  assertSeconds('heartbeatTimeoutSeconds', CallbackOptions?.HeartbeatTimeoutSeconds, 0)
}

function assertMatch(field: string, value: string | undefined, pattern: RegExp): void {
  if (value !== undefined && !pattern.test(value))
    throw invalidParameter(
      `1 validation error detected: Value at '${field}' failed to satisfy constraint: Member must satisfy ${pattern.source}`,
    )
}

function assertSeconds(field: string, value: number | undefined, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max))
    throw invalidParameter(
      `1 validation error detected: Value '${value}' at '${field}' failed to satisfy constraint: Member must be between ${min} and ${max}`,
    )
}

function validateResult({ Type, Action, Payload, Error: error, StepOptions }: OperationUpdate): void {
  if (error !== undefined) assertError(error)
  if (Action === 'SUCCEED' && error !== undefined) throw invalidParameter('Cannot provide an Error for SUCCEED action.')
  if (Action === 'FAIL' && Payload !== undefined) throw invalidParameter('Cannot provide a Payload for FAIL action.')
  if (Action !== 'RETRY') return
  if (StepOptions === undefined) throw invalidParameter('Invalid StepOptions for the given action.')
  if (error !== undefined && Payload !== undefined)
    throw invalidParameter(`Cannot provide both error and payload to RETRY a ${Type}.`)
}

/**
 * Validates an update against the operation that it changes.
 *
 * @param found undefined if the operation does not exist yet
 * @throws InvalidParameterValueException
 */
export function validateChange(found: Operation | undefined, update: OperationUpdate): void {
  const { Id, Type, Action, SubType, Name, ParentId } = update
  if (found === undefined) {
    if (Action === 'CANCEL') throw invalidParameter(`Cannot cancel the operation ${Id}, which does not exist.`)
    return
  }
  if (found.type !== Type) throw invalidParameter('Inconsistent operation type.')
  if (SubType !== undefined && SubType !== found.sub_type) throw invalidParameter('Inconsistent operation subtype.')
  if (Name !== undefined && Name !== found.name) throw invalidParameter('Inconsistent operation name.')
  if (ParentId !== undefined && ParentId !== found.parent) throw invalidParameter('Inconsistent parent operation id.')
  const expected = Action === 'START' ? ['READY'] : ['STARTED', 'READY']
  if (!expected.includes(found.status) || (Action === 'START' && Type !== 'STEP'))
    throw invalidParameter(`Invalid current ${Type} state ${found.status} to ${Action} the operation ${Id}.`)
}
