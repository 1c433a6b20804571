import type { OperationUpdate } from '@aws-sdk/client-lambda'
import { describe, expect, test } from '@jest/globals'
import type { Operation } from '../../../../infra/local/cloud/operation.ts'
import { validateChange, validateTokens, validateUpdates } from '../../../../infra/local/cloud/validation.ts'

const step = (Action: OperationUpdate['Action'], more: Partial<OperationUpdate> = {}): OperationUpdate => ({
  Id: 'a',
  Type: 'STEP',
  Action,
  ...more,
})
const callback = (Action: OperationUpdate['Action']): OperationUpdate => ({ Id: 'a', Type: 'CALLBACK', Action })
const error = { ErrorType: 'E', ErrorMessage: 'no' }
const delay = { StepOptions: { NextAttemptDelaySeconds: 1 } }

describe('a checkpoint', () => {
  test.each<[string, OperationUpdate[]]>([
    ['starts and ends a step', [step('START'), step('SUCCEED', { Payload: '1' })]],
    ['starts and retries a step', [step('START'), step('RETRY', { ...delay, Error: error })]],
    [
      'starts and ends a context',
      [
        { Id: 'c', Type: 'CONTEXT', Action: 'START' },
        { Id: 'c', Type: 'CONTEXT', Action: 'FAIL', Error: error },
      ],
    ],
    ['ends the execution last', [step('SUCCEED'), { Id: 'e', Type: 'EXECUTION', Action: 'SUCCEED', Payload: '1' }]],
    ['has an error of 32,768 bytes', [step('FAIL', { Error: { ErrorMessage: 'x'.repeat(32_768 - 19) } })]],
  ])('is accepted if it %s', (_what, updates) => {
    expect(() => validateUpdates(updates)).not.toThrow()
  })

  test.each<[string, OperationUpdate[], string]>([
    ['has no id', [step('START', { Id: '' })], 'has no Id'],
    ['has an action that the type does not have', [{ Id: 'w', Type: 'WAIT', Action: 'FAIL' }], 'Invalid action FAIL'],
    ['starts an operation twice', [step('START'), step('START')], 'same operation twice'],
    ['ends an operation twice', [step('START'), step('SUCCEED'), step('SUCCEED')], 'same operation twice'],
    ['ends a step that it starts afterwards', [step('SUCCEED'), step('START')], 'same operation twice'],
    [
      'ends the execution before another update',
      [{ Id: 'e', Type: 'EXECUTION', Action: 'SUCCEED' }, step('START')],
      'EXECUTION checkpoint must be the last update',
    ],
    ['fails with a payload', [step('FAIL', { Payload: '1' })], 'Cannot provide a Payload for FAIL'],
    ['succeeds with an error', [step('SUCCEED', { Error: error })], 'Cannot provide an Error for SUCCEED'],
    ['retries without StepOptions', [step('RETRY', { Error: error })], 'Invalid StepOptions'],
    ['has an id of 65 characters', [step('START', { Id: 'i'.repeat(65) })], "at 'id'"],
    ['has a name with a line break', [step('START', { Name: 'a\nb' })], "at 'name'"],
    ['has a name of 257 characters', [step('START', { Name: 'n'.repeat(257) })], "at 'name'"],
    ['has a subtype of 33 characters', [step('START', { SubType: 's'.repeat(33) })], "at 'subType'"],
    ['retries at once', [step('RETRY', { StepOptions: { NextAttemptDelaySeconds: 0 } })], 'between 1 and 31622400'],
    [
      'waits longer than 366 days',
      [{ Id: 'w', Type: 'WAIT', Action: 'START', WaitOptions: { WaitSeconds: 31_622_401 } }],
      'between 1 and 31622400',
    ],
    ['retries with both', [step('RETRY', { ...delay, Error: error, Payload: '1' })], 'both error and payload'],
    [
      'has an error of more than 32,768 bytes',
      [step('FAIL', { Error: { ErrorMessage: 'x'.repeat(32_768 - 18) } })],
      'Error object size must be less than 32768 bytes',
    ],
  ])('is rejected if it %s', (_what, updates, message) => {
    expect(() => validateUpdates(updates)).toThrow(
      expect.objectContaining({
        type: 'InvalidParameterValueException',
        status: 400,
        message: expect.stringContaining(message),
      }),
    )
  })
})

describe('an update of an existing operation', () => {
  const found = { type: 'STEP', status: 'STARTED', sub_type: 'Step', name: 'act', parent: 'c' } as Operation

  test.each<[string, Partial<Operation>, OperationUpdate]>([
    ['ends it', {}, step('SUCCEED', { SubType: 'Step', Name: 'act', ParentId: 'c' })],
    ['ends it when it is ready', { status: 'READY' }, step('SUCCEED')],
    ['cancels a callback', { type: 'CALLBACK' }, callback('CANCEL')],
    ['starts it again when it is ready', { status: 'READY' }, step('START')],
  ])('is accepted if it %s', (_what, operation, update) => {
    expect(() => validateChange({ ...found, ...operation }, update)).not.toThrow()
  })

  test.each<[string, Partial<Operation>, OperationUpdate, string]>([
    ['has another type', {}, { Id: 'a', Type: 'CONTEXT', Action: 'SUCCEED' }, 'Inconsistent operation type'],
    ['has another subtype', {}, step('SUCCEED', { SubType: 'WaitForCondition' }), 'Inconsistent operation subtype'],
    ['has another name', {}, step('SUCCEED', { Name: 'send' }), 'Inconsistent operation name'],
    ['has another parent', {}, step('SUCCEED', { ParentId: 'd' }), 'Inconsistent parent operation id'],
    ['starts it again', {}, step('START'), 'Invalid current STEP state STARTED'],
    ['ends it while it waits for a retry', { status: 'PENDING' }, step('SUCCEED'), 'state PENDING to SUCCEED'],
    ['cancels a callback that has ended', { type: 'CALLBACK', status: 'TIMED_OUT' }, callback('CANCEL'), 'TIMED_OUT'],
    ['ends it again', { status: 'SUCCEEDED' }, step('SUCCEED'), 'state SUCCEEDED to SUCCEED'],
  ])('is rejected if it %s', (_what, operation, update, message) => {
    expect(() => validateChange({ ...found, ...operation }, update)).toThrow(message)
  })
})

test('a cancellation of an operation that does not exist is rejected', () => {
  for (const Type of ['CALLBACK', 'CHAINED_INVOKE'] as const) {
    const update: OperationUpdate = { Id: 'a', Type, Action: 'CANCEL' }
    expect(() => validateUpdates([update])).not.toThrow()
    expect(() => validateChange(undefined, update)).toThrow('Cannot cancel')
  }
})

test.each([
  ['a token of 2,049 characters', 'a'.repeat(2_049), undefined, "at 'checkpointToken'"],
  ['a client token with a space', 'YQ==', 'a b', "at 'clientToken'"],
])('%s is rejected', (_what, token, clientToken, message) => {
  expect(() => validateTokens(token, clientToken)).toThrow(message)
})
