import type { OperationUpdate } from '@aws/durable-execution-sdk-js'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { LocalDurableTestRunner, startRunner, stopRunner } from '../../../lifecycle/runner.ts'
import { checkpoints } from './handlers.ts'
import { durable, startBefore } from './harness.ts'

const running = startBefore(() => ({ functions: durable(['checkpoints']) }))
beforeAll(() => startRunner({ skipTime: false }))
afterAll(stopRunner)

const error = { ErrorType: 'E', ErrorMessage: 'no' }
const step = (Id: string, Action: OperationUpdate['Action'], more: Partial<OperationUpdate> = {}): OperationUpdate => ({
  Id,
  Type: 'STEP',
  SubType: 'Step',
  Name: Id,
  Action,
  ...more,
})
const callback = (Id: string, Action: OperationUpdate['Action']): OperationUpdate => ({ Id, Type: 'CALLBACK', Action })
const later = { StepOptions: { NextAttemptDelaySeconds: 3_600 } }

/**
 * Each is the updates of one request. They build on each other. Not what this runner does not check, and AWS's runner for
 * Python does: changed names, subtypes and types.
 */
const requests: Record<string, OperationUpdate[]> = {
  'start a step': [step('a', 'START')],
  'start it again': [step('a', 'START')],
  'fail it with a payload': [step('a', 'FAIL', { Payload: '1' })],
  'complete it with an error': [step('a', 'SUCCEED', { Error: error })],
  'retry it without a delay': [step('a', 'RETRY', { Error: error })],
  'retry it with an error and a payload': [step('a', 'RETRY', { ...later, Error: error, Payload: '1' })],
  'retry it later': [step('a', 'RETRY', { ...later, Error: error })],
  'complete it while it waits': [step('a', 'SUCCEED', { Payload: '1' })],
  'update a step twice': [step('b', 'START'), step('b', 'START')],
  'start and complete a step': [step('c', 'START'), step('c', 'SUCCEED', { Payload: '1' })],
  'complete it again': [step('c', 'SUCCEED', { Payload: '1' })],
  'end the execution before a step': [{ Id: 'e', Type: 'EXECUTION', Action: 'SUCCEED' }, step('d', 'START')],
  'fail a step with an error of 33 KB': [step('f', 'FAIL', { Error: { ErrorMessage: 'x'.repeat(33_000) } })],
  'cancel a callback that does not exist': [callback('g', 'CANCEL')],
  'cancel an invocation that does not exist': [{ Id: 'h', Type: 'CHAINED_INVOKE', Action: 'CANCEL' }],
  'fail a wait': [{ Id: 'i', Type: 'WAIT', Action: 'FAIL' }],
  'use a parent that does not exist': [step('j', 'START', { ParentId: 'unknown' })],
}

test("accepts and rejects the same checkpoints as AWS's runner", async () => {
  const payload = { requests: Object.values(requests).map((Updates) => ({ Updates })) }
  const { result: here } = await running.cloud.invoke('checkpoints', payload)
  const runner = new LocalDurableTestRunner<string[]>({ handlerFunction: checkpoints })
  const there = (await runner.run({ payload })).getResult()
  const named = (accepted: unknown) =>
    Object.fromEntries(Object.keys(requests).map((name, at) => [name, (accepted as string[])[at] === 'accepted']))
  expect(named(here)).toEqual(named(there))
  expect(Object.entries(named(here)).flatMap(([name, accepted]) => (accepted ? [name] : []))).toEqual([
    'start a step',
    'retry it later',
    'start and complete a step',
  ])
})
