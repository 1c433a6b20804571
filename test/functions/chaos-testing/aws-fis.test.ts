import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { awsFis } from '../../../functions/chaos-testing/providers/aws-fis.ts'
import { type FisServer, startFis } from '../../../infra/platforms/aws-fis.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { jobConformance } from '../../conformance/job.ts'
import { jobPlatforms } from '../../e2e/job-platforms.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { experiment, experimentActions } from './experiment.ts'

let server: FisServer
beforeEach(async () => {
  server = await startFis()
})
afterEach(() => server.close())

const target = 'EXT1a2b3c4d5e6f7'
const shop = { target }
const id = 'EXP000000000000001'
const url = `https://eu-west-1.console.aws.amazon.com/fis/home?region=eu-west-1#ExperimentDetails:ExperimentId=${id}`
const byCondition = { reason: 'Experiment halted by stop condition.' }

const connected = (fields: object = {}) =>
  experiment(awsFis, () => ({ endpoint: server.url, region: 'eu-west-1', allow: [target], ...fields }))
const connection = (fields: object) => awsFis.connection.parse({ allow: target, ...fields })
const starts = () => server.calls.filter(({ method }) => method === 'POST')

jobConformance(awsFis, experimentActions, jobPlatforms['aws-fis'])

describe('AWS FIS: connection', () => {
  test('the check reads an unknown experiment, signed for the service and region', async () => {
    await awsFis.check(connected().client())
    expect(server.operations()).toEqual(['GetExperiment'])
    expect(server.calls[0]?.headers['authorization']).toContain('/eu-west-1/fis/aws4_request')
  })

  test('the check explains a missing permission', async () => {
    server.state.denied = ['GetExperiment']
    const failure = await failureOf(awsFis.check(connected().client()))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toMatch(/not authorized to perform: fis:GetExperiment. Allow it under awsProviders/)
  })

  test.each([
    ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
    ['ExpiredTokenException', 'The security token included in the request is expired'],
  ])('refused credentials are reported as such: %s', async (type, message) => {
    server.failNext(403, { message }, { headers: { 'x-amzn-errortype': type } })
    expect(await failureOf(awsFis.check(connected().client()))).toMatchObject({ kind: 'credentials' })
  })

  test.each([
    [{ region: 'eu-central-1' }, 'https://fis.eu-central-1.amazonaws.com'],
    [{ region: 'us-gov-west-1' }, 'https://fis.us-gov-west-1.amazonaws.com'],
    [{ region: 'cn-north-1' }, 'https://fis.cn-north-1.amazonaws.com.cn'],
    [{}, 'https://fis.eu-west-1.amazonaws.com'],
    [
      { endpoint: 'https://vpce-1.fis.eu-west-1.vpce.amazonaws.com' },
      'https://vpce-1.fis.eu-west-1.vpce.amazonaws.com',
    ],
  ])('%j sends requests to %s', (fields, expected) => {
    expect(awsFis.baseUrl(connection(fields))).toBe(expected)
  })

  test('needs a region if the function has none', () => {
    const own = process.env['AWS_REGION']
    delete process.env['AWS_REGION']
    try {
      expect(() => awsFis.baseUrl(connection({}))).toThrow('The connection to AWS FIS needs a region')
    } finally {
      process.env['AWS_REGION'] = own
    }
  })

  test('requires allow and contains no secrets', () => {
    expect(awsFis.connection.safeParse({ region: 'eu-west-1' }).success).toBe(false)
    expect(secretsIn(awsFis.connection, connection({ roleArn: 'a', externalId: 'b' }))).toEqual([])
  })
})

describe('AWS FIS: start', () => {
  test('starts an experiment and returns at once', async () => {
    const { outcome } = await connected({ target }).start({})
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started experiment ${id}: cpu-stress (aws:ssm:send-command), stop-one (aws:ec2:stop-instances)`,
      data: { id, url, state: 'started' },
      links: { [`aws-fis ${id}`]: url },
    })
    expect(starts()).toMatchObject([
      {
        body: {
          clientToken: keyOf(1),
          experimentTemplateId: target,
          tags: { 'cloud-automation-webhooks': keyOf(1) },
        },
      },
    ])
  })

  test('can preview the targets without injecting a fault', async () => {
    const { outcome } = await connected().start({ ...shop, parameters: { actionsMode: 'skip-all' } })
    expect(outcome.message).toContain(`Started experiment ${id}: a preview of cpu-stress`)
    expect(server.newest().experimentOptions).toMatchObject({ actionsMode: 'skip-all' })
  })

  test.each([
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['a version', { ref: '2' }, 'input.ref is not supported'],
    ['a name', { target: 'stress the shop' }, 'input.target must be an experiment template id'],
    ['another path', { target: 'EXT1/../../x' }, 'input.target must be an experiment template id'],
    ['an invalid mode', { parameters: { actionsMode: 'some' } }, 'input.parameters.actionsMode must be run-all'],
    ['other targets', { parameters: { targets: {} } }, 'input.parameters.targets is not supported'],
    ['other tags', { parameters: { tags: { team: 'x' } } }, 'input.parameters.tags is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected({ allow: '*' }).start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('rejects a template outside the blast radius before sending a request', async () => {
    for (const fields of [{ allow: 'EXT9' }, { allow: 'EXT1a2b3c4d5e6f', target }]) {
      const failure = await failureOf(connected(fields).start(shop))
      expect(failure).toMatchObject({ kind: 'refused', status: 422 })
      expect(failure.message).toContain(`input.target is "${target}", which is outside the blast radius`)
    }
    expect(server.calls).toEqual([])
    await connected({ allow: ['EXT9', 'EXT1*'] }).start(shop)
    expect(starts()).toHaveLength(1)
  })

  test('reports the reason that AWS gives', async () => {
    const nope = await failureOf(connected({ allow: '*' }).start({ target: 'EXTnope' }))
    expect(nope).toMatchObject({ kind: 'refused', status: 422 })
    expect(nope.message).toContain('Experiment template EXTnope does not exist.')
    const elsewhere = await failureOf(connected({ region: 'eu-west-2' }).start(shop))
    expect(elsewhere.message).toContain('Credential should be scoped to a valid region.')
    for (const operation of ['StartExperiment', 'TagResource']) {
      server.state.denied = [operation]
      expect((await failureOf(connected().start(shop))).message).toContain(`fis:${operation}`)
    }
    expect(server.state.experiments).toEqual([])
  })

  test('waits while too many experiments are running', async () => {
    server.state.maxActive = 1
    await connected().start(shop, { key: keyOf(2) })
    const failure = await failureOf(connected().start(shop))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(failure.message).toBe(
      `AWS FIS cannot start ${target} yet: The maximum number of active experiments is reached.`,
    )
    server.become('completed')
    await connected().start(shop)
    expect(server.state.experiments).toHaveLength(2)
  })

  test.each([
    [409, 'ConflictException', {}, undefined],
    [400, 'ThrottlingException', {}, undefined],
    [429, 'ThrottlingException', { 'retry-after': '7' }, 7],
  ])('is transient after %s %s', async (status, type, headers, retryAfter) => {
    server.failNext(status, { message: 'Rate exceeded' }, { headers: { 'x-amzn-errortype': type, ...headers } })
    const failure = await failureOf(connected().start(shop))
    expect(failure).toMatchObject({ transient: true, mayHaveWritten: false, retryAfter })
    expect(failure.message).toContain('Rate exceeded')
  })
})

describe('AWS FIS: start with a lost response', () => {
  test('calls with other keys or without a key start their own experiments', async () => {
    await connected().start(shop)
    for (const key of [keyOf(2), undefined, undefined]) await connected().start(shop, { key })
    expect(server.state.experiments.map(({ tags }) => Object.values(tags))).toEqual([[keyOf(1)], [keyOf(2)], [], []])
  })
})

describe('AWS FIS: experiment', () => {
  // All values of ExperimentStatus in the contract.
  test.each(['pending', 'initiating', 'running', 'stopping'])('keeps running in the state %s', async (state) => {
    const started = await connected().start(shop)
    server.become(state)
    expect(await connected().poll(started, shop)).toMatchObject({ status: state })
  })

  test.each([
    ['completed', 'succeeded', 'pass'],
    ['stopped', 'aborted', 'fail'],
    ['failed', 'errored', 'fail'],
    ['cancelled', 'aborted', 'fail'],
  ])('in the state %s, ends as %s with the result %s', async (state, status, result) => {
    const started = await connected().start(shop)
    server.become(state)
    expect(await connected().end(started, shop)).toMatchObject({
      status,
      result,
      data: { id, url, state, template: target, duration: 300 },
      links: { [`aws-fis ${id}`]: url },
    })
  })

  test('keeps running in an unknown state', async () => {
    const started = await connected().start(shop)
    server.become('exploding')
    expect(await connected().poll(started, shop)).toMatchObject({ status: 'exploding (unknown state)' })
  })

  test('fails if a stop condition stopped it', async () => {
    const started = await connected().start(shop)
    server.become('stopped', byCondition)
    expect(await connected().end(started, shop)).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: `Experiment ${id} ended as stopped: Experiment halted by stop condition. (alarms: checkout-errors)`,
      data: { alarms: ['checkout-errors'] },
    })
  })

  test.each(['Experiment stopped by user.', 'Experiment halted by safety lever.', 'Experiment stopped.'])(
    'is aborted if it was stopped for another reason: %s',
    async (reason) => {
      const started = await connected().start(shop)
      server.become('stopped', { reason })
      expect(await connected().end(started, shop)).toMatchObject({
        status: 'aborted',
        result: 'fail',
        message: `Experiment ${id} ended as stopped: ${reason}`,
      })
    },
  )

  test.each([
    ['succeeded', [{ source: 'aws:cloudwatch:alarm', value: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x' }]],
    ['aborted', [{ source: 'none' }]],
  ])('stopped without a reason, is %s with the conditions %j', async (status, stopConditions) => {
    const started = await connected().start(shop)
    server.become('stopped')
    Object.assign(server.newest(), { stopConditions, state: { status: 'stopped' } })
    expect(await connected().end(started, shop)).toMatchObject({ status, result: 'fail' })
  })

  test('reports what was injected', async () => {
    const started = await connected().start(shop)
    server.act('cpu-stress', 'completed')
    server.act('stop-one', 'stopped', 'Action was halted by stop condition.')
    Object.assign(server.newest(), { targetAccountConfigurationsCount: 2 })
    server.become('stopped', byCondition)
    expect((await connected().end(started, shop)).data).toEqual({
      start: '2025-11-24T16:00:00.000Z',
      end: '2025-11-24T16:05:00.000Z',
      id,
      url,
      state: 'stopped',
      template: target,
      duration: 300,
      actions: {
        'cpu-stress': { actionId: 'aws:ssm:send-command', state: 'completed' },
        'stop-one': {
          actionId: 'aws:ec2:stop-instances',
          state: 'stopped',
          reason: 'Action was halted by stop condition.',
        },
      },
      targets: { shop: 'aws:ec2:instance, COUNT(1)' },
      accounts: 2,
      alarms: ['checkout-errors'],
    })
  })

  test('a failure names the action and its reason', async () => {
    const started = await connected().start(shop)
    server.act('stop-one', 'failed', 'User is not authorized to perform ec2:StopInstances.')
    const error = { accountId: '123456789012', code: 'AuthorizationFailure', location: 'actions/stop-one' }
    server.become('failed', { reason: 'Action failed.', error })
    expect(await connected().end(started, shop)).toMatchObject({
      status: 'errored',
      message: `Experiment ${id} ended as failed: action stop-one failed: User is not authorized to perform ec2:StopInstances. (AuthorizationFailure, actions/stop-one)`,
      data: { failedAction: 'stop-one' },
    })
  })

  test('a failure before any action has the reason of AWS', async () => {
    const started = await connected().start(shop)
    server.become('failed', { reason: 'Target resolution returned empty set' })
    expect((await connected().end(started, shop)).message).toBe(
      `Experiment ${id} ended as failed: Target resolution returned empty set`,
    )
  })

  test('a cancellation mentions the safety lever', async () => {
    const started = await connected().start(shop)
    server.become('cancelled')
    expect((await connected().end(started, shop)).message).toContain(
      'AWS cancels experiments while the safety lever is engaged',
    )
  })

  test('without an injected fault, is a warning unless it was a preview', async () => {
    const preview = { ...shop, parameters: { actionsMode: 'skip-all' } }
    for (const [input, result, words] of [
      [shop, 'warning', 'no fault was injected: all actions were skipped'],
      [preview, 'pass', 'a preview: its actions were skipped'],
    ] as const) {
      const started = await connected().start(input, { key: keyOf(result === 'pass' ? 1 : 2) })
      for (const name of ['cpu-stress', 'stop-one']) server.act(name, 'skipped')
      server.become('completed')
      const ended = await connected().end(started, input)
      expect(ended).toMatchObject({ status: 'succeeded', result, message: expect.stringContaining(words) })
    }
  })

  test('reports its progress', async () => {
    const started = await connected().start(shop)
    expect(await connected().poll(started, shop)).toMatchObject({ progress: '0 of 2 actions ended' })
    server.act('cpu-stress', 'completed')
    server.act('stop-one', 'running')
    server.become('running')
    expect(await connected().poll(started, shop)).toMatchObject({
      progress: '1 of 2 actions ended, running: stop-one',
    })
  })

  test('is judged by thresholds', async () => {
    const input = { ...shop, thresholds: [{ metric: 'duration', op: '<', value: 400, warn: 200 }] }
    const started = await connected().start(input)
    server.become('completed')
    expect(await connected().end(started, input)).toMatchObject({ result: 'warning' })
  })

  test('is refused if it no longer exists', async () => {
    const started = await connected().start(shop)
    server.state.experiments = []
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`Experiment ${id} does not exist.`),
    })
  })
})

describe('AWS FIS: stop-test', () => {
  test('stops an experiment and waits until it has ended', async () => {
    await connected().start(shop)
    server.become('running')
    expect(await connected().stop({ id })).toMatchObject({ message: 'still stopping' })
    server.become('stopped')
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Experiment ${id} had ended already (stopped)`,
      data: { id, url },
    })
  })

  test('also stops it at the deadline', async () => {
    const started = await connected().start(shop)
    expect(await connected().stopAtDeadline(started, shop)).toBe(true)
    expect(server.newest().state.status).toBe('stopping')
  })

  test('passes if the experiment ends between the poll and the stop', async () => {
    await connected().start(shop)
    server.become('completed')
    await awsFis.stop(connected().client(), { id })
    expect(server.operations().slice(-2)).toEqual(['StopExperiment', 'GetExperiment'])
  })

  test('reports the reason that AWS gives for a refusal', async () => {
    await connected().start(shop)
    server.state.denied = ['StopExperiment']
    expect((await failureOf(connected().stop({ id }))).message).toContain('fis:StopExperiment')
    server.state.denied = []
    server.failNext(503, {}, { on: 'DELETE' })
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ transient: true })
    const gone = await failureOf(connected().stop({ id: 'EXPnope' }))
    expect(gone).toMatchObject({ kind: 'refused', message: expect.stringContaining('EXPnope does not exist.') })
  })

  test.each([target, `${id}/..`, 'EXP', '17'])('rejects the id %j', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain('such as EXPabc123DEFghi')
    expect(server.calls).toEqual([])
  })
})
