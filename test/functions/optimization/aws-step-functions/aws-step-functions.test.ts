import { jobRow } from './fake.ts'
import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { withState } from '../../../conformance/job.ts'
import { failureOf, keyOf } from '../../helpers.ts'
import { secondsOf } from '../../job.ts'
import { listedStates } from './states.ts'
import { express, id, target, testStepFunctions, url } from './suite.ts'

const tune = { target }
const execution = () => newestOf(server.state.executions)
const endAfter = (change: () => unknown, input: object = tune) => connected().endAfter(input, change)
const succeed = (output: unknown, input: object = tune) =>
  endAfter(() => server.end('SUCCEEDED', { output: JSON.stringify(output) }), input)

const output = { p95: 312, best: { cpu: 2 }, replicas: '3' }

const { server, connected } = testStepFunctions(jobRow, {
  states: vendorStates(listedStates, { running: ['PENDING_REDRIVE'], fail: ['TIMED_OUT'] }),
  checks: [
    { connection: tune, requests: [{ body: { stateMachineArn: target, includedData: 'METADATA_ONLY' } }] },
    { requests: ['DescribeStateMachine'], change: withState({ denied: ['DescribeStateMachine'] }) },
  ],
  failedChecks: [
    { reason: 'State Machine Does Not Exist', connection: { target: `${target}s` } },
    { reason: 'has the type EXPRESS', connection: { target: express } },
    {
      reason: 'Allow it under awsProviders',
      connection: tune,
      change: withState({ denied: ['DescribeStateMachine'] }),
    },
  ],
  measures: {
    end: ({ end }) => end('SUCCEEDED', { output: JSON.stringify(output) }),
    metrics: { p95: 312, duration: 90 },
    data: { output, url: expect.stringContaining('/v2/executions/details/'), duration: 90 },
  },
  refusedStops: [{ change: withState({ denied: ['StopExecution'] }), reason: 'states:StopExecution' }],
  waits: ['ExecutionLimitExceeded', 'KmsThrottlingException'].map((type) => ({
    name: `the end of ${type}`,
    change: ({ failNext }) => failNext(400, { __type: type, message: 'Try again later.' }, { on: 'StartExecution' }),
    reason: 'Try again later.',
  })),
  reports: [
    {
      name: 'its last state if it timed out',
      change: ({ event, end }) => {
        event('TaskStateEntered', { state: 'Train' })
        event('ExecutionTimedOut', { after: 0 })
        end('TIMED_OUT')
      },
      reported: { message: expect.stringContaining('ended as TIMED_OUT: in state Train') },
    },
  ],
  stores: { read: ({ state }) => state.executions[0], expected: { name: keyOf(1), input: '{}' } },
})

describe('AWS Step Functions: a start', () => {
  test.each([
    ['3', { stateMachineVersionArn: `${target}:3` }],
    ['PROD', { stateMachineAliasArn: `${target}:PROD` }],
  ])('accepts %s as the version or alias', async (ref, seen) => {
    expect((await connected().start({ ...tune, ref })).outcome.data).toMatchObject({ id })
    expect(execution()).toMatchObject(seen)
  })

  test('of a state machine in China links to the console of China', async () => {
    const chinese = target.replace('arn:aws:states:eu-west-1', 'arn:aws-cn:states:cn-north-1')
    server.state.machines[chinese] = 'STANDARD'
    const { outcome } = await connected({ region: 'cn-north-1' }).start({ target: chinese })
    const home = 'https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#'
    expect(outcome.data['url']).toContain(home)
  })

  test.each([[tune], [{ ...tune, ref: 'PROD' }]])('that is retried finds an ended execution: %j', async (input) => {
    server.loseNext('StartExecution')
    await failureOf(connected().start(input))
    server.end('SUCCEEDED', { output: '{"p95":312}' })
    const started = await connected().start(input, { isRetry: true })
    expect(started.outcome.data).toMatchObject({ id, url })
    expect(await connected().end(started, input)).toMatchObject({ result: 'pass', data: { output: { p95: 312 } } })
  })
})

describe('AWS Step Functions: an execution', () => {
  test('reports its current state', async () => {
    const running = await connected().pollAfter(tune, () => {
      server.event('ExecutionStarted')
      server.event('TaskStateEntered', { state: 'Prepare' })
      server.event('TaskStateExited')
      server.event('TaskStateEntered', { state: 'Train' })
      server.event('TaskScheduled')
    })
    expect(running).toMatchObject({ status: 'RUNNING', progress: 'state Train' })
  })

  test('reads only the newest events of the history, without data', async () => {
    await connected().pollAfter(tune, () => undefined)
    const query = { reverseOrder: true, maxResults: 100, includeExecutionData: false }
    expect(server.calls.at(-1)?.body).toEqual({ executionArn: id, ...query })
  })

  test('reports its period by the times of AWS', async () => {
    expect(secondsOf(await endAfter(() => server.end('SUCCEEDED')))).toBeCloseTo(90, 0)
  })

  test('that failed names the state and the reason', async () => {
    const ended = await endAfter(() => {
      server.event('TaskStateEntered', { state: 'Train' })
      for (const type of ['TaskScheduled', 'TaskFailed', 'ExecutionFailed']) server.event(type)
      server.end('FAILED', { error: 'ModelError', cause: 'The loss\nis not a number.' })
    })
    expect(ended.message).toBe(`Execution ${id} ended as FAILED: in state Train: ModelError: The loss is not a number.`)
    expect(ended.data).toMatchObject({ failedState: 'Train' })
  })

  test('that failed names the state of the failed branch', async () => {
    const { data } = await endAfter(() => {
      server.event('ParallelStateEntered', { state: 'Both' })
      const one = server.event('TaskStateEntered', { state: 'Train A' })
      const failed = server.event('TaskFailed', { after: one })
      server.event('TaskStateEntered', { state: 'Train B', after: 1 })
      server.event('ExecutionFailed', { after: failed })
      server.end('FAILED', { error: 'ModelError' })
    })
    expect(data).toMatchObject({ failedState: 'Train A' })
  })

  test('has a verdict if its history cannot be read', async () => {
    server.state.denied = ['GetExecutionHistory']
    const running = await connected().pollAfter(tune, () => undefined)
    expect(running).toMatchObject({ status: 'RUNNING', progress: undefined })
    const { result, message } = await endAfter(() => server.end('FAILED', { error: 'ModelError' }))
    const reason = /^fail: .* ended as FAILED: ModelError; its history cannot be read: .+GetExecutionHistory/
    expect(`${result}: ${message}`).toMatch(reason)
  })

  test('has no metric of text in its output', async () => {
    const thresholds = [{ metric: 'replicas', op: '>', value: 1 }]
    expect((await succeed(output, { ...tune, thresholds })).message).toContain('replicas was not measured')
  })

  test.each([
    ['a number', 0.25, 'pass'],
    ['text', 's3://models/7', 'fail'],
    ['a list', [1, 2], 'fail'],
  ])('can return %s', async (_what, output, result) => {
    const input = { ...tune, thresholds: [{ metric: 'output', op: '<', value: 1 }] }
    expect(await succeed(output, input)).toMatchObject({ result, data: { output } })
  })

  test('that returns null has no output', async () => {
    expect((await succeed(null)).data).not.toHaveProperty('output')
  })

  test('clips an output that is too large for events, but not its numbers', async () => {
    const input = { ...tune, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
    const { result, data } = await succeed({ p95: 312, trials: 'x'.repeat(4_000) }, input)
    expect(result).toBe('pass')
    expect(data['output']).toMatch(/^\{"p95":312,"trials":"x{1900,}…$/)
    expect(String(data['output'])).toHaveLength(2_000)
  })
})

test('AWS Step Functions: stop-model stops an execution with a reason', async () => {
  const { message } = await endAfter(() => connected().stop({ id }))
  expect(message).toContain('ended as ABORTED: Stopped: Requested by cloud-automation-webhooks')
})
