import type { OperationUpdate } from '@aws-sdk/client-lambda'
import { invalidParameter } from './errors.ts'
import { assertError } from './limits.ts'
import type { Operation } from './operations.ts'

const ACTIONS: Partial<Record<string, readonly string[]>> = {
  STEP: ['START', 'RETRY', 'SUCCEED', 'FAIL'],
  CONTEXT: ['START', 'SUCCEED', 'FAIL'],
  WAIT: ['START', 'CANCEL'],
  CALLBACK: ['START'],
  EXECUTION: ['SUCCEED', 'FAIL'],
}

/**
 * Validates the updates of one CheckpointDurableExecution request, as AWS does.
 *
 * @throws InvalidParameterValueException
 */
export function validateUpdates(updates: readonly OperationUpdate[]): void {
  const seen = new Map<string, OperationUpdate>()
  for (const [at, update] of updates.entries()) {
    const { Id, Type, Action } = update
    if (!Id) throw invalidParameter('The operation update has no Id.')
    if (!ACTIONS[Type ?? '']?.includes(Action ?? ''))
      throw invalidParameter(`Invalid action ${Action} for an operation of type ${Type}.`)
    if (Type === 'EXECUTION' && at < updates.length - 1)
      throw invalidParameter('EXECUTION checkpoint must be the last update.')
    // Only a step or a context can start and end, or retry, in one request.
    const earlier = seen.get(Id)
    const startsAndEnds = earlier?.Action === 'START' && Action !== 'START' && (Type === 'STEP' || Type === 'CONTEXT')
    if (earlier && !startsAndEnds) throw invalidParameter('Cannot update the same operation twice in a single request.')
    seen.set(Id, update)
    validateResult(update)
  }
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
