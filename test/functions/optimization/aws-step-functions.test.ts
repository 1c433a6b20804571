import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/optimization/actions.ts'
import { awsStepFunctions } from '../../../functions/optimization/providers/aws-step-functions.ts'
import { type StepFunctionsServer, startStepFunctions } from '../../../infra/platforms/aws-step-functions.ts'
import { secretsIn } from '../../../shared/fields.ts'
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
  if (!found) throw new Error('There is no execution')
  return found
}
const started = () => server.operations().filter((operation) => operation === 'StartExecution').length

describe('the connection', () => {
  test('is checked by a look at its state machine, without its definition', async () => {
    await awsStepFunctions.check(connected(tune).client())
    expect(server.calls.map(({ body }) => body)).toEqual([{ stateMachineArn: target, includedData: 'METADATA_ONLY' }])
  })

  test('that can not look at its state machine, or has an express one, is told', async () => {
    for (const [fields, words] of [
      [{ target: `${target}s` }, 'State Machine Does Not Exist'],
      [{ target: express }, 'is of the type EXPRESS'],
    ] as const) {
      const failure = await failureOf(awsStepFunctions.check(connected(fields).client()))
      expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(words) })
    }
    server.state.denied = ['DescribeStateMachine']
    expect(await failureOf(awsStepFunctions.check(connected(tune).client()))).toMatchObject({ kind: 'refused' })
  })

  test('is checked without a state machine for whether AWS knows who asks', async () => {
    await awsStepFunctions.check(connected().client())
    server.state.denied = ['DescribeStateMachine']
    await awsStepFunctions.check(connected().client())
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    expect(await failureOf(awsStepFunctions.check(connected().client()))).toMatchObject({ kind: 'credentials' })
  })

  test('holds no secrets', () => {
    expect(secretsIn(awsStepFunctions.connection, { region: 'eu-west-1', roleArn: 'a', externalId: 'b' })).toEqual([])
  })
})

describe('a start', () => {
  test('begins an execution that is named by the key of the call, and answers at once', async () => {
    const { outcome } = await connected().start(tune)
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started execution ${id}`,
      data: { id, url, state: 'started' },
      links: { [`aws-step-functions ${id}`]: url },
    })
    expect(newest()).toMatchObject({ name: keyOf(1), input: '{}' })
  })

  test('gives the parameters as they are, as the input', async () => {
    await connected(tune).start({ parameters: { service: 'checkout', trials: 20, space: { cpu: [1, 4] } } })
    expect(JSON.parse(newest().input)).toEqual({ service: 'checkout', trials: 20, space: { cpu: [1, 4] } })
  })

  test.each([
    ['3', { stateMachineVersionArn: `${target}:3` }],
    ['PROD', { stateMachineAliasArn: `${target}:PROD` }],
  ])('takes %s as the version or alias', async (ref, seen) => {
    expect((await connected().start({ ...tune, ref })).outcome.data).toMatchObject({ id })
    expect(newest()).toMatchObject(seen)
  })

  test('of a state machine in China leads to the console there', async () => {
    const chinese = target.replace('arn:aws:states:eu-west-1', 'arn:aws-cn:states:cn-north-1')
    server.state.machines[chinese] = 'STANDARD'
    const { outcome } = await connected({ region: 'cn-north-1' }).start({ target: chinese })
    expect(outcome.data['url']).toMatch(
      /^https:\/\/cn-north-1\.console\.amazonaws\.cn\/states\/home\?region=cn-north-1#/,
    )
  })

  test.each([
    ['a project', { project: 'shop' }, 'input.project is of no use'],
    ['a name', { target: 'tune-checkout' }, 'input.target is no state machine: write its ARN'],
    ['an execution', { target: id }, 'input.target is no state machine'],
    ['a version in the ARN', { target: `${target}:3` }, 'a version or alias into ref'],
    ['a version that is none', { ref: 'a:b' }, 'input.ref is no version or alias'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...tune, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('is refused for an express state machine before it is started', async () => {
    const failure = await failureOf(connected().start({ target: express }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('is of the type EXPRESS')
    expect(server.state.executions).toEqual([])
  })

  test('says in the words of AWS what is wrong', async () => {
    const gone = await failureOf(connected().start({ target: `${target}s` }))
    expect(gone).toMatchObject({ kind: 'refused', status: 422, afterWrite: false })
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
      expect(await failureOf(connected().start(tune))).toMatchObject({ transient: true, afterWrite: false })
    },
  )
})

describe('a start whose answer was lost', () => {
  test('is one with its repeat while it runs', async () => {
    server.loseNext('StartExecution')
    expect(await failureOf(connected().start(tune))).toMatchObject({ transient: true, afterWrite: true })
    expect((await connected().start(tune, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.executions).toHaveLength(1)
  })

  test.each([[tune], [{ ...tune, ref: 'PROD' }]])('is one with its repeat when it has ended (%j)', async (input) => {
    server.loseNext('StartExecution')
    await failureOf(connected().start(input))
    server.end('SUCCEEDED', { output: '{"p95":312}' })
    const begun = await connected().start(input, { isRetry: true })
    expect(begun.outcome.data).toMatchObject({ id, url })
    expect(await connected().end(begun, input)).toMatchObject({ result: 'pass', data: { output: { p95: 312 } } })
    expect(server.state.executions).toHaveLength(1)
    expect(started()).toBe(2)
  })

  test('is not one with that of another call, nor with one that has no key', async () => {
    await connected().start(tune)
    for (const key of [keyOf(2), undefined, undefined]) await connected().start(tune, { key })
    expect(server.state.executions).toHaveLength(4)
  })

  test('is a fault that goes away where AWS is down', async () => {
    server.down()
    expect(await failureOf(connected().start(tune))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(503, '<html><title>Unavailable</title></html>', { on: 'StartExecution' })
    expect(await failureOf(connected().start(tune))).toMatchObject({ kind: 'platform', afterWrite: true })
  })
})

describe('an execution', () => {
  test('goes on, and says in which state', async () => {
    const begun = await connected().start(tune)
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'RUNNING', progress: undefined })
    server.event('ExecutionStarted')
    server.event('TaskStateEntered', { state: 'Prepare' })
    server.event('TaskStateExited')
    server.event('TaskStateEntered', { state: 'Train' })
    server.event('TaskScheduled')
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'RUNNING', progress: 'state Train' })
  })

  test('asks for no more of its history than the newest events, without their data', async () => {
    await connected().poll(await connected().start(tune), tune)
    expect(server.calls.at(-1)?.body).toEqual({
      ...{ executionArn: id, reverseOrder: true, maxResults: 100, includeExecutionData: false },
    })
  })

  // Every state that the API names.
  test.each([
    ['RUNNING', 'goes on', ''],
    ['PENDING_REDRIVE', 'goes on', ''],
    ['SUCCEEDED', 'succeeded', 'pass'],
    ['FAILED', 'succeeded', 'fail'],
    ['TIMED_OUT', 'succeeded', 'fail'],
    ['ABORTED', 'aborted', 'fail'],
  ])('in %s: %s %s', async (state, status, result) => {
    const begun = await connected().start(tune)
    server.end(state)
    const seen = await connected().poll(begun, tune)
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

  test('in a state that is not known goes on', async () => {
    const begun = await connected().start(tune)
    server.end('PAUSED')
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'PAUSED (unknown state)' })
  })

  test('that failed names the state and why', async () => {
    const begun = await connected().start(tune)
    server.event('ExecutionStarted')
    server.event('TaskStateEntered', { state: 'Train' })
    server.event('TaskScheduled')
    server.event('TaskFailed')
    server.event('ExecutionFailed')
    server.end('FAILED', { error: 'ModelError', cause: 'The loss\nis not a number.' })
    const ended = await connected().end(begun, tune)
    expect(ended.message).toBe(`Execution ${id} ended as FAILED: in state Train: ModelError: The loss is not a number.`)
    expect(ended.data).toMatchObject({ failedState: 'Train' })
  })

  test('that failed names the state of the branch that did, and not that of another', async () => {
    const begun = await connected().start(tune)
    server.event('ParallelStateEntered', { state: 'Both' })
    const one = server.event('TaskStateEntered', { state: 'Train A' })
    const failed = server.event('TaskFailed', { after: one })
    server.event('TaskStateEntered', { state: 'Train B', after: 1 })
    server.event('ExecutionFailed', { after: failed })
    server.end('FAILED', { error: 'ModelError' })
    expect((await connected().end(begun, tune)).data).toMatchObject({ failedState: 'Train A' })
  })

  test('that was out of time names the state that it was in', async () => {
    const begun = await connected().start(tune)
    server.event('TaskStateEntered', { state: 'Train' })
    server.event('ExecutionTimedOut', { after: 0 })
    server.end('TIMED_OUT')
    expect((await connected().end(begun, tune)).message).toContain('ended as TIMED_OUT: in state Train')
  })

  test('has a verdict where its history can not be read', async () => {
    const begun = await connected().start(tune)
    server.state.denied = ['GetExecutionHistory']
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'RUNNING', progress: undefined })
    server.end('FAILED', { error: 'ModelError' })
    const ended = await connected().end(begun, tune)
    expect(ended).toMatchObject({ result: 'fail' })
    expect(ended.message).toMatch(/ended as FAILED: ModelError; its history can not be read: .+GetExecutionHistory/)
  })

  test('answers its output, whose numbers thresholds are held against', async () => {
    const thresholds = [
      { metric: 'p95', op: '<', value: 300 },
      { metric: 'duration', op: '<', value: 60 },
      { metric: 'replicas', op: '>', value: 1 },
    ]
    const input = { ...tune, thresholds }
    const begun = await connected().start(input)
    const output = { p95: 312, best: { cpu: 2 }, replicas: '3' }
    server.end('SUCCEEDED', { output: JSON.stringify(output) })
    const ended = await connected().end(begun, input)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail', data: { output, duration: 90 } })
    expect(ended.message).toContain('p95 is 312, not < 300; duration is 90, not < 60; replicas was not measured')
  })

  test.each([
    ['a number', '0.25', 0.25],
    ['text', '"s3://models/7"', 's3://models/7'],
    ['a list', '[1,2]', [1, 2]],
  ])('may answer %s', async (_what, output, read) => {
    const input = { ...tune, thresholds: [{ metric: 'output', op: '<', value: 1 }] }
    const begun = await connected().start(input)
    server.end('SUCCEEDED', { output })
    expect(await connected().end(begun, input)).toMatchObject({
      result: typeof read === 'number' ? 'pass' : 'fail',
      data: { output: read },
    })
  })

  test('that answers null has no output', async () => {
    const begun = await connected().start(tune)
    server.end('SUCCEEDED', { output: 'null' })
    expect((await connected().end(begun, tune)).data).not.toHaveProperty('output')
  })

  test('shows the beginning of an output that is too large for events, and all of its numbers', async () => {
    const input = { ...tune, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
    const begun = await connected().start(input)
    server.end('SUCCEEDED', { output: JSON.stringify({ p95: 312, trials: 'x'.repeat(4_000) }) })
    const ended = await connected().end(begun, input)
    expect(ended).toMatchObject({ result: 'pass' })
    expect(ended.data).toMatchObject({ output: expect.stringMatching(/^\{"p95":312,"trials":"x{1900,}…$/) })
    expect(String(ended.data['output'])).toHaveLength(2_000)
  })

  test('is looked at again where AWS is down, and refused where it is gone', async () => {
    const begun = await connected().start(tune)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(begun, tune))).toMatchObject({ transient: true })
    server.failNext(400, { __type: 'ThrottlingException', message: 'Rate exceeded' }, { on: 'GetExecutionHistory' })
    expect(await failureOf(connected().poll(begun, tune))).toMatchObject({ transient: true })
    server.state.executions = []
    expect(await failureOf(connected().poll(begun, tune))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Execution Does Not Exist'),
    })
  })
})

describe('stop-model', () => {
  test('ends an execution, says who asked for it, and sees that it has ended', async () => {
    const begun = await connected().start(tune)
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Stopped execution ${id} (ABORTED)`,
      data: { id, url, state: 'ABORTED' },
    })
    expect((await connected().end(begun, tune)).message).toContain(
      'ended as ABORTED: Stopped: Asked for by cloud-automation-webhooks',
    )
    expect((await connected().stop({ id })).message).toBe(`Execution ${id} had ended already (ABORTED)`)
  })

  test('passes where it has ended between our look and the stop', async () => {
    await connected().start(tune)
    server.end('SUCCEEDED')
    await awsStepFunctions.stop(connected().client(), { id })
    expect(newest().status).toBe('SUCCEEDED')
  })

  test('says why AWS does not do it', async () => {
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
      expect(failure.message).toContain('write its ARN, like arn:aws:states:')
    },
  )
})
