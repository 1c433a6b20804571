import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/optimization/actions.ts'
import { awsStepFunctions } from '../../../functions/optimization/providers/aws-step-functions.ts'
import { type StepFunctionsServer, startStepFunctions } from '../../../infra/platforms/aws-step-functions.ts'
import { jobConformance } from '../../conformance/job.ts'
import { optimizationPlatforms } from '../../conformance/job-platforms/optimization.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Job, secondsOf } from '../job.ts'

let server: StepFunctionsServer
beforeEach(async () => {
  server = await startStepFunctions()
})
afterEach(() => server.close())

const arn = 'arn:aws:states:eu-west-1:123456789012'
const target = `${arn}:stateMachine:tune-checkout`
const express = `${arn}:stateMachine:quick`
const tune = { target }
const id = `${arn}:execution:tune-checkout:${keyOf(1)}`
const url = `https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${id}`

const connected = (fields: object = {}) =>
  new Job(awsStepFunctions, { start: actions['start-model'], stop: actions['stop-model'] }, () => ({
    endpoint: server.url,
    region: 'eu-west-1',
    ...fields,
  }))
const newest = () => {
  const found = server.state.executions.at(-1)
  if (!found) throw new Error('The fake has no execution')
  return found
}
const startCount = () => server.operations().filter((operation) => operation === 'StartExecution').length

jobConformance(
  awsStepFunctions,
  { start: actions['start-model'], stop: actions['stop-model'] },
  optimizationPlatforms['aws-step-functions'],
  {
    states: {
      running: ['RUNNING', 'PENDING_REDRIVE'],
      pass: ['SUCCEEDED'],
      fail: ['FAILED', 'TIMED_OUT'],
      aborted: ['ABORTED'],
    },
  },
)

describe('AWS Step Functions: the connection', () => {
  test('is tested by reading its state machine without the definition', async () => {
    await awsStepFunctions.check(connected(tune).client())
    expect(server.calls.map(({ body }) => body)).toEqual([{ stateMachineArn: target, includedData: 'METADATA_ONLY' }])
  })

  test('fails the test with an unreadable or express state machine', async () => {
    for (const [fields, words] of [
      [{ target: `${target}s` }, 'State Machine Does Not Exist'],
      [{ target: express }, 'has the type EXPRESS'],
    ] as const) {
      const failure = await failureOf(awsStepFunctions.check(connected(fields).client()))
      expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(words) })
    }
    server.state.denied = ['DescribeStateMachine']
    expect(await failureOf(awsStepFunctions.check(connected(tune).client()))).toMatchObject({ kind: 'refused' })
  })

  test('without a state machine tests only the credentials', async () => {
    await awsStepFunctions.check(connected().client())
    server.state.denied = ['DescribeStateMachine']
    await awsStepFunctions.check(connected().client())
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    expect(await failureOf(awsStepFunctions.check(connected().client()))).toMatchObject({ kind: 'credentials' })
  })
})

describe('AWS Step Functions: a start', () => {
  test('starts an execution named after the idempotency key and returns at once', async () => {
    const { outcome } = await connected().start(tune)
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started execution ${id}`,
      data: { id, url, state: 'started' },
      links: { [`aws-step-functions ${id}`]: url },
    })
    expect(newest()).toMatchObject({ name: keyOf(1), input: '{}' })
  })

  test('sends the parameters as the input', async () => {
    await connected(tune).start({ parameters: { service: 'checkout', trials: 20, space: { cpu: [1, 4] } } })
    expect(JSON.parse(newest().input)).toEqual({ service: 'checkout', trials: 20, space: { cpu: [1, 4] } })
  })

  test.each([
    ['3', { stateMachineVersionArn: `${target}:3` }],
    ['PROD', { stateMachineAliasArn: `${target}:PROD` }],
  ])('accepts %s as the version or alias', async (ref, seen) => {
    expect((await connected().start({ ...tune, ref })).outcome.data).toMatchObject({ id })
    expect(newest()).toMatchObject(seen)
  })

  test('of a state machine in China links to the console of China', async () => {
    const chinese = target.replace('arn:aws:states:eu-west-1', 'arn:aws-cn:states:cn-north-1')
    server.state.machines[chinese] = 'STANDARD'
    const { outcome } = await connected({ region: 'cn-north-1' }).start({ target: chinese })
    expect(outcome.data['url']).toMatch(
      /^https:\/\/cn-north-1\.console\.amazonaws\.cn\/states\/home\?region=cn-north-1#/,
    )
  })

  test.each([
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['a name', { target: 'tune-checkout' }, 'input.target must be the ARN of a state machine'],
    ['an execution', { target: id }, 'input.target must be the ARN of a state machine'],
    ['a version in the ARN', { target: `${target}:3` }, 'Send a version or alias as ref'],
    ['an invalid version', { ref: 'a:b' }, 'input.ref must be a version, such as 3, or an alias'],
  ])('is refused for %s before anything is sent', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...tune, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('of an express state machine is refused before it is started', async () => {
    const failure = await failureOf(connected().start({ target: express }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('has the type EXPRESS')
    expect(server.state.executions).toEqual([])
  })

  test('shows the reason of AWS', async () => {
    const gone = await failureOf(connected().start({ target: `${target}s` }))
    expect(gone).toMatchObject({ kind: 'refused', status: 422, mayHaveWritten: false })
    expect(gone.message).toContain(`State Machine Does Not Exist: '${target}s'`)
    server.failNext(400, { __type: 'InvalidExecutionInput', message: 'Too long' }, { on: 'StartExecution' })
    expect((await failureOf(connected().start(tune))).message).toContain('InvalidExecutionInput')
    server.state.denied = ['StartExecution']
    expect((await failureOf(connected().start(tune))).message).toContain('Allow it under awsProviders in cdk.json')
  })

  test.each(['ExecutionLimitExceeded', 'ThrottlingException', 'KmsThrottlingException'])(
    'is tried again after %s',
    async (type) => {
      server.failNext(400, { __type: type, message: 'Try again later.' }, { on: 'StartExecution' })
      expect(await failureOf(connected().start(tune))).toMatchObject({ transient: true, mayHaveWritten: false })
    },
  )
})

describe('AWS Step Functions: a retry of a start', () => {
  test('finds the running execution of the first attempt', async () => {
    server.loseNext('StartExecution')
    expect(await failureOf(connected().start(tune))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect((await connected().start(tune, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.executions).toHaveLength(1)
  })

  test.each([[tune], [{ ...tune, ref: 'PROD' }]])(
    'finds the ended execution of the first attempt (%j)',
    async (input) => {
      server.loseNext('StartExecution')
      await failureOf(connected().start(input))
      server.end('SUCCEEDED', { output: '{"p95":312}' })
      const started = await connected().start(input, { isRetry: true })
      expect(started.outcome.data).toMatchObject({ id, url })
      expect(await connected().end(started, input)).toMatchObject({ result: 'pass', data: { output: { p95: 312 } } })
      expect(server.state.executions).toHaveLength(1)
      expect(startCount()).toBe(2)
    },
  )

  test('starts another execution for another event or without a key', async () => {
    await connected().start(tune)
    for (const key of [keyOf(2), undefined, undefined]) await connected().start(tune, { key })
    expect(server.state.executions).toHaveLength(4)
  })
})

describe('AWS Step Functions: an execution', () => {
  test('reports its current state', async () => {
    const started = await connected().start(tune)
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'RUNNING', progress: undefined })
    server.event('ExecutionStarted')
    server.event('TaskStateEntered', { state: 'Prepare' })
    server.event('TaskStateExited')
    server.event('TaskStateEntered', { state: 'Train' })
    server.event('TaskScheduled')
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'RUNNING', progress: 'state Train' })
  })

  test('reads only the newest events of the history, without data', async () => {
    await connected().poll(await connected().start(tune), tune)
    expect(server.calls.at(-1)?.body).toEqual({
      ...{ executionArn: id, reverseOrder: true, maxResults: 100, includeExecutionData: false },
    })
  })

  // Every state that the API names.
  test.each([
    ['RUNNING', 'running', ''],
    ['PENDING_REDRIVE', 'running', ''],
    ['SUCCEEDED', 'succeeded', 'pass'],
    ['FAILED', 'succeeded', 'fail'],
    ['TIMED_OUT', 'succeeded', 'fail'],
    ['ABORTED', 'aborted', 'fail'],
  ])('in %s: %s %s', async (state, status, result) => {
    const started = await connected().start(tune)
    server.end(state)
    const seen = await connected().poll(started, tune)
    if (result === '') expect(seen).toMatchObject({ status: state })
    else
      expect(seen).toMatchObject({
        outcome: {
          status,
          result,
          data: { id, url, state, duration: 90 },
          links: { [`aws-step-functions ${id}`]: url },
        },
      })
    if ('outcome' in seen) expect(secondsOf(seen.outcome)).toBeCloseTo(90, 0)
  })

  test('with an unknown status is running', async () => {
    const started = await connected().start(tune)
    server.end('PAUSED')
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'PAUSED (unknown state)' })
  })

  test('that failed names the state and the reason', async () => {
    const started = await connected().start(tune)
    server.event('ExecutionStarted')
    server.event('TaskStateEntered', { state: 'Train' })
    server.event('TaskScheduled')
    server.event('TaskFailed')
    server.event('ExecutionFailed')
    server.end('FAILED', { error: 'ModelError', cause: 'The loss\nis not a number.' })
    const ended = await connected().end(started, tune)
    expect(ended.message).toBe(`Execution ${id} ended as FAILED: in state Train: ModelError: The loss is not a number.`)
    expect(ended.data).toMatchObject({ failedState: 'Train' })
  })

  test('that failed names the state of the failed branch', async () => {
    const started = await connected().start(tune)
    server.event('ParallelStateEntered', { state: 'Both' })
    const one = server.event('TaskStateEntered', { state: 'Train A' })
    const failed = server.event('TaskFailed', { after: one })
    server.event('TaskStateEntered', { state: 'Train B', after: 1 })
    server.event('ExecutionFailed', { after: failed })
    server.end('FAILED', { error: 'ModelError' })
    expect((await connected().end(started, tune)).data).toMatchObject({ failedState: 'Train A' })
  })

  test('that timed out names its last state', async () => {
    const started = await connected().start(tune)
    server.event('TaskStateEntered', { state: 'Train' })
    server.event('ExecutionTimedOut', { after: 0 })
    server.end('TIMED_OUT')
    expect((await connected().end(started, tune)).message).toContain('ended as TIMED_OUT: in state Train')
  })

  test('has a verdict if its history cannot be read', async () => {
    const started = await connected().start(tune)
    server.state.denied = ['GetExecutionHistory']
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'RUNNING', progress: undefined })
    server.end('FAILED', { error: 'ModelError' })
    const ended = await connected().end(started, tune)
    expect(ended).toMatchObject({ result: 'fail' })
    expect(ended.message).toMatch(/ended as FAILED: ModelError; its history cannot be read: .+GetExecutionHistory/)
  })

  test('returns its output, and thresholds apply to its numbers', async () => {
    const thresholds = [
      { metric: 'p95', op: '<', value: 300 },
      { metric: 'duration', op: '<', value: 60 },
      { metric: 'replicas', op: '>', value: 1 },
    ]
    const input = { ...tune, thresholds }
    const started = await connected().start(input)
    const output = { p95: 312, best: { cpu: 2 }, replicas: '3' }
    server.end('SUCCEEDED', { output: JSON.stringify(output) })
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail', data: { output, duration: 90 } })
    expect(ended.message).toContain('p95 is 312, not < 300; duration is 90, not < 60; replicas was not measured')
  })

  test.each([
    ['a number', '0.25', 0.25],
    ['text', '"s3://models/7"', 's3://models/7'],
    ['a list', '[1,2]', [1, 2]],
  ])('can return %s', async (_what, output, read) => {
    const input = { ...tune, thresholds: [{ metric: 'output', op: '<', value: 1 }] }
    const started = await connected().start(input)
    server.end('SUCCEEDED', { output })
    expect(await connected().end(started, input)).toMatchObject({
      result: typeof read === 'number' ? 'pass' : 'fail',
      data: { output: read },
    })
  })

  test('that returns null has no output', async () => {
    const started = await connected().start(tune)
    server.end('SUCCEEDED', { output: 'null' })
    expect((await connected().end(started, tune)).data).not.toHaveProperty('output')
  })

  test('clips an output that is too large for events, but not its numbers', async () => {
    const input = { ...tune, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
    const started = await connected().start(input)
    server.end('SUCCEEDED', { output: JSON.stringify({ p95: 312, trials: 'x'.repeat(4_000) }) })
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({ result: 'pass' })
    expect(ended.data).toMatchObject({ output: expect.stringMatching(/^\{"p95":312,"trials":"x{1900,}…$/) })
    expect(String(ended.data['output'])).toHaveLength(2_000)
  })

  test('can be polled again if AWS is down, and is refused if it does not exist', async () => {
    const started = await connected().start(tune)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, tune))).toMatchObject({ transient: true })
    server.failNext(400, { __type: 'ThrottlingException', message: 'Rate exceeded' }, { on: 'GetExecutionHistory' })
    expect(await failureOf(connected().poll(started, tune))).toMatchObject({ transient: true })
    server.state.executions = []
    expect(await failureOf(connected().poll(started, tune))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Execution Does Not Exist'),
    })
  })
})

describe('AWS Step Functions: stop-model', () => {
  test('stops an execution with a reason and waits until it has ended', async () => {
    const started = await connected().start(tune)
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Stopped execution ${id} (ABORTED)`,
      data: { id, url, state: 'ABORTED' },
    })
    expect((await connected().end(started, tune)).message).toContain(
      'ended as ABORTED: Stopped: Requested by cloud-automation-webhooks',
    )
    expect((await connected().stop({ id })).message).toBe(`Execution ${id} had ended already (ABORTED)`)
  })

  test('passes if the execution ends before the stop', async () => {
    await connected().start(tune)
    server.end('SUCCEEDED')
    await awsStepFunctions.stop(connected().client(), { id })
    expect(newest().status).toBe('SUCCEEDED')
  })

  test('shows the reason of AWS', async () => {
    await connected().start(tune)
    expect((await failureOf(connected().stop({ id: `${id}0` }))).message).toContain('Execution Does Not Exist')
    server.state.denied = ['StopExecution']
    expect((await failureOf(connected().stop({ id }))).message).toContain('states:StopExecution')
  })

  test.each([keyOf(1), target, `${arn}:execution:tune-checkout`, `${arn}:express:quick:a:b`])(
    'refuses the id %s',
    async (wrong) => {
      const failure = await failureOf(connected().stop({ id: wrong }))
      expect(failure).toMatchObject({ kind: 'invalid' })
      expect(failure.message).toContain('must be the ARN of an execution')
    },
  )
})
