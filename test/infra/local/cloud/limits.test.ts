import type { OperationUpdate } from '@aws-sdk/client-lambda'
import { describe, expect, test } from '@jest/globals'
import type { Execution } from '../../../../infra/local/cloud/execution.ts'
import { charge, chargeUse, MAX_EXECUTION_BYTES, MAX_OPERATIONS } from '../../../../infra/local/cloud/limits.ts'

const fresh = () => ({ operations: 0, bytes: 0 }) as Execution

describe('the usage of an execution', () => {
  test.each<[string, OperationUpdate, boolean, number]>([
    ['a new operation', { Id: 'a', Type: 'STEP', Action: 'START' }, true, 1],
    ['its end', { Id: 'a', Type: 'STEP', Action: 'SUCCEED' }, false, 0],
    ['a retry', { Id: 'a', Type: 'STEP', Action: 'RETRY' }, false, 1],
    ['the last poll', { Id: 'a', Type: 'STEP', SubType: 'WaitForCondition', Action: 'SUCCEED' }, false, 1],
  ])('counts %s', (_what, update, isNew, operations) => {
    const execution = fresh()
    charge(execution, update, isNew)
    expect(execution.operations).toBe(operations)
  })

  test('includes the bytes of results and errors', () => {
    const execution = fresh()
    charge(execution, { Id: 'a', Type: 'STEP', Action: 'SUCCEED', Payload: '"ä"' }, false)
    charge(execution, { Id: 'b', Type: 'STEP', Action: 'FAIL', Error: { ErrorType: 'E' } }, false)
    expect(execution.bytes).toBe(4 + '{"ErrorType":"E"}'.length)
  })

  test('is limited to 3,000 operations and 100 MB', () => {
    const execution = fresh()
    chargeUse(execution, MAX_OPERATIONS, MAX_EXECUTION_BYTES)
    expect(() => chargeUse(execution, 1, 0)).toThrow('maximum number of operations: 3000')
    expect(() => chargeUse(execution, 0, 1)).toThrow('maximum storage size: 104857600 bytes')
  })
})
