import { describe, expect, test } from '@jest/globals'
import { durable, folder, latestEvents, start, startBefore } from './harness.ts'

const running = startBefore(() => ({
  functions: durable(['greet', 'flaky', 'waits', 'poll', 'failing', 'renamed', 'pendingForNothing', 'plain']),
}))

const run = (name: string, event: unknown) => running.cloud.invoke(name, event)

describe('a step', () => {
  test('runs once and returns its result', async () => {
    await expect(run('greet', { name: 'Ada' })).resolves.toEqual({ result: { greeting: 'Hello Ada' } })
  })

  test('is retried after its delay until it succeeds', async () => {
    await expect(run('flaky', { failures: 2, attempts: 3 })).resolves.toEqual({ result: { attempts: 3 } })
    const steps = latestEvents(running, 'flaky').filter(({ EventType }) => EventType.startsWith('Step'))
    const types = 'StepStarted StepFailed StepStarted StepFailed StepStarted StepSucceeded'
    expect(steps.map(({ EventType }) => EventType).join(' ')).toBe(types)
    expect(steps[1]).toMatchObject({
      Name: 'flaky',
      SubType: 'Step',
      StepFailedDetails: {
        Error: { Payload: { ErrorType: 'TypeError', ErrorMessage: 'failure 1' } },
        RetryDetails: { CurrentAttempt: 1, NextAttemptDelaySeconds: 1 },
      },
    })
    expect(steps[5]).toMatchObject({
      StepSucceededDetails: { Result: { Payload: '3' }, RetryDetails: { CurrentAttempt: 3 } },
    })
    const first = Date.parse(steps[1]?.EventTimestamp ?? '')
    const second = Date.parse(steps[2]?.EventTimestamp ?? '')
    expect(second - first).toBeGreaterThanOrEqual(1000 / 20 - 2)
  })

  test('is retried if its delay ends before the response to its checkpoint', async () => {
    const { cloud } = await start({ state: folder.file('fast'), functions: durable(['flaky']), timeScale: 100_000 })
    await expect(cloud.invoke('flaky', { failures: 2, attempts: 3 })).resolves.toEqual({ result: { attempts: 3 } })
  })

  test('fails its execution after its last attempt', async () => {
    await expect(run('flaky', { failures: 9, attempts: 2 })).resolves.toEqual({
      error: { errorType: 'StepError', errorMessage: 'failure 2' },
    })
    expect(running.cloud.executions({ functionName: 'flaky', limit: 1 })).toMatchObject([{ status: 'FAILED' }])
    expect(latestEvents(running, 'flaky').at(-1)).toMatchObject({
      EventType: 'ExecutionFailed',
      ExecutionFailedDetails: { Error: { Payload: { ErrorType: 'StepError', ErrorMessage: 'failure 2' } } },
    })
  })

  test('is observed with its name, status, attempt and error', async () => {
    running.seen.length = 0
    await run('flaky', { failures: 1, attempts: 2 })
    const operations = running.seen.filter((observation) => observation.kind === 'operation')
    const attempts = operations.map(({ status, attempt }) => `${status} ${attempt}`)
    expect(attempts).toEqual(['STARTED 1', 'PENDING 1', 'READY 2', 'STARTED 2', 'SUCCEEDED 2'])
    expect(operations[1]).toMatchObject({
      name: 'flaky',
      type: 'STEP',
      functionName: 'flaky',
      nextAt: expect.any(Number),
      error: { ErrorMessage: 'failure 1' },
    })
    expect(operations[3]).not.toHaveProperty('error')
    const executions = running.seen.filter((observation) => observation.kind === 'execution')
    expect(executions.map(({ status }) => status)).toEqual(['RUNNING', 'SUCCEEDED'])
    expect(executions[1]).toMatchObject({ result: '{"attempts":2}' })
  })
})

describe('a wait', () => {
  test('takes the requested time on the scaled clock', async () => {
    const { waitedMs } = (await run('waits', { seconds: 10 })).result as { waitedMs: number }
    expect(waitedMs).toBeGreaterThanOrEqual(10_000 / 20 - 2)
    const waits = latestEvents(running, 'waits').filter(({ EventType }) => EventType.startsWith('Wait'))
    expect(waits).toMatchObject([
      { EventType: 'WaitStarted', Name: 'pause', WaitStartedDetails: { Duration: 10 } },
      { EventType: 'WaitSucceeded', WaitSucceededDetails: { Duration: 10 } },
    ])
    const endsAt = Date.parse(waits[0]?.EventTimestamp ?? '') + 10_000 / 20
    const ScheduledEndTimestamp = new Date(endsAt).toISOString()
    expect(waits[0]).toMatchObject({ WaitStartedDetails: { ScheduledEndTimestamp } })
  })

  test('occupies no thread, because the function is invoked again after it', () => {
    const invocations = latestEvents(running, 'waits').filter(({ EventType }) => EventType === 'InvocationCompleted')
    expect(invocations).toHaveLength(2)
  })
})

test('a waitForCondition passes its state to the next poll', async () => {
  await expect(run('poll', { polls: 4 })).resolves.toEqual({ result: { polls: 4 } })
  const polls = latestEvents(running, 'poll').filter(({ EventType }) => EventType === 'StepSucceeded')
  expect(polls.map(({ StepSucceededDetails }) => StepSucceededDetails)).toMatchObject([
    { Result: { Payload: '{"polls":1}' }, RetryDetails: { CurrentAttempt: 1, NextAttemptDelaySeconds: 1 } },
    { Result: { Payload: '{"polls":2}' } },
    { Result: { Payload: '{"polls":3}' } },
    { Result: { Payload: '{"polls":4}' }, RetryDetails: { CurrentAttempt: 4 } },
  ])
})

describe('an execution', () => {
  test.each([
    ['failing', 'the error of its handler', { errorType: 'StepError', errorMessage: 'out of range' }],
    [
      'renamed',
      'code that is not deterministic',
      { errorMessage: expect.stringContaining('Non-deterministic execution') },
    ],
    [
      'pendingForNothing',
      'PENDING without a pending operation',
      { errorMessage: 'Cannot return PENDING status with no pending operations.' },
    ],
    ['plain', 'a handler that is not durable', { errorMessage: expect.stringContaining('withDurableExecution') }],
  ])('(%s) fails with %s', async (name, _what, error) => {
    await expect(run(name, {})).resolves.toMatchObject({ error })
  })
})
