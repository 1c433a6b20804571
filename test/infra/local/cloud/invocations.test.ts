import { StopDurableExecutionCommand } from '@aws-sdk/client-lambda'
import { expect, test } from '@jest/globals'
import { durable, folder, plain, start, startBefore, startExecution, until } from './harness.ts'

const names = ['invokes', 'greet', 'failing', 'waits']
const running = startBefore(() => ({ functions: [...durable(names), ...plain(['plain'])] }))

const invoke = (target: string, input: unknown = {}) => running.cloud.invoke('invokes', { target, input })
const named = (functionName: string) => running.cloud.executions({ functionName, limit: 1 })[0]

test('A durable function gets the result of the durable function that it invokes', async () => {
  const end = await invoke('greet:live', { name: 'Ada' })
  expect(end).toEqual({ result: { result: { greeting: 'Hello Ada' } } })
  const child = named('greet')
  expect(child?.status).toBe('SUCCEEDED')
  const events = running.cloud.history(named('invokes')?.arn ?? '')
  expect(events.filter(({ EventType }) => EventType.startsWith('ChainedInvoke'))).toMatchObject([
    { EventType: 'ChainedInvokeStarted', ChainedInvokeStartedDetails: { DurableExecutionArn: child?.arn } },
    { EventType: 'ChainedInvokeSucceeded', Name: 'other' },
  ])
})

test.each([
  ['fails', 'failing:live', 'out of range'],
  ['does not exist', 'unknown:live', 'Function not found'],
  ['has no version', 'greet', 'must be invoked with a version or an alias'],
  ['is not durable', 'plain', 'supports context.invoke for durable functions'],
])('A durable function can catch that the function %s', async (_what, target, message) => {
  expect(await invoke(target)).toEqual({ result: { error: expect.stringContaining(message) } })
})

test('A durable function can catch that the execution that it waits for is stopped', async () => {
  const end = invoke('waits:live', { seconds: 7_200 })
  const child = await until(() => {
    const found = named('waits')
    return found?.status === 'RUNNING' && found
  }, 'the execution')
  const error = { ErrorType: 'Stopped', ErrorMessage: 'Not needed' }
  await running.lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: child.arn, Error: error }))
  expect(await end).toEqual({ result: { error: 'Not needed' } })
})

test('A durable function gets the result although the runtime restarts meanwhile', async () => {
  const state = folder.file('restarted')
  const first = await start({ state, functions: durable(names) })
  const arn = await startExecution(first.lambda, 'invokes', { target: 'waits:live', input: { seconds: 7_200 } })
  const child = await until(() => first.cloud.executions({ functionName: 'waits' })[0]?.arn, 'the invocation')
  await first.cloud.close()
  const { cloud } = await start({ state, functions: durable(names) })
  await until(() => cloud.operations(child).some(({ type }) => type === 'WAIT'), 'the wait')
  cloud.skipWait(child)
  await until(() => cloud.execution(arn)?.status === 'SUCCEEDED', 'the end')
  expect(cloud.execution(arn)?.result).toContain('waitedMs')
  expect(cloud.executions({ functionName: 'waits' })).toHaveLength(1)
})
