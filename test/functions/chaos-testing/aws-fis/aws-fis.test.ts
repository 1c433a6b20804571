import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsFis } from '../../../../functions/chaos-testing/aws-fis/aws-fis.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { experimentActions } from '../../job-actions.ts'
import { type FisServer, jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const target = 'EXT1a2b3c4d5e6f7'
const shop = { target }
const preview = { ...shop, parameters: { actionsMode: 'skip-all' } }
const id = 'EXP000000000000001'
const url = `https://eu-west-1.console.aws.amazon.com/fis/home?region=eu-west-1#ExperimentDetails:ExperimentId=${id}`
const conflict = { 'x-amzn-errortype': 'ConflictException' }
const byCondition = { reason: 'Experiment halted by stop condition.' }

const connection = (fields: object) => awsFis.connection.parse({ allow: target, ...fields })
const starts = () => server.calls.filter(({ method }) => method === 'POST')
const endIn = (status: string, more: Parameters<FisServer['become']>[1] = {}) =>
  connected().endAfter(shop, () => server.become(status, more))

const { server, connected } = jobConformance(awsFis, experimentActions, jobRow, {
  states: vendorStates(listedStates, { errored: ['failed'] }),
  unsupported: ['project', 'ref'],
  invalidStarts: [
    { name: 'a name', input: { target: 'stress the shop' }, message: 'input.target must be an experiment template id' },
    {
      name: 'another path',
      input: { target: 'EXT1/../../x' },
      message: 'input.target must be an experiment template id',
    },
    {
      name: 'an invalid mode',
      input: { parameters: { actionsMode: 'some' } },
      message: 'input.parameters.actionsMode must be run-all',
    },
    {
      name: 'other targets',
      input: { parameters: { targets: {} } },
      message: 'input.parameters.targets is not supported',
    },
    {
      name: 'other tags',
      input: { parameters: { tags: { team: 'x' } } },
      message: 'input.parameters.tags is not supported',
    },
  ],
  forbidden: [
    {
      name: 'another template',
      message: `input.target is "${target}", which is outside the blast radius`,
      connection: { allow: 'EXT9' },
    },
    {
      name: 'another template in a preview',
      input: { parameters: preview.parameters },
      message: 'is outside the blast radius',
      connection: { allow: 'EXT9' },
    },
    { name: 'a longer id', message: 'is outside the blast radius', connection: { allow: target.slice(0, -1), target } },
  ],
  refused: [
    {
      name: 'an unknown template',
      input: { target: 'EXTnope' },
      reason: 'Experiment template EXTnope does not exist.',
    },
    {
      name: 'a role that may not start',
      change: withState({ denied: ['StartExperiment'] }),
      reason: 'fis:StartExperiment',
    },
    { name: 'a role that may not tag', change: withState({ denied: ['TagResource'] }), reason: 'fis:TagResource' },
  ],
  measures: { end: ({ become }) => become('completed'), metrics: { duration: 300 } },
  slowStop: { state: 'stopping' },
  refusedStops: [
    { change: withState({ denied: ['StopExperiment'] }), reason: 'fis:StopExperiment' },
    { id: 'EXPnope', reason: 'EXPnope does not exist.' },
  ],
  check: ['GET /experiments/EXP000000000000000'],
  failedChecks: [
    {
      reason: 'fis:GetExperiment action. Allow it under awsProviders',
      change: withState({ denied: ['GetExperiment'] }),
    },
  ],
  urls: {
    'https://fis.eu-central-1.amazonaws.com': { region: 'eu-central-1' },
    'https://fis.us-gov-west-1.amazonaws.com': { region: 'us-gov-west-1' },
    'https://fis.cn-north-1.amazonaws.com.cn': { region: 'cn-north-1' },
    'https://fis.eu-west-1.amazonaws.com': { region: undefined },
    'https://vpce-1.fis.example.com': { endpoint: 'https://vpce-1.fis.example.com' },
  },
  sends: [
    {
      name: 'the mode of a preview',
      input: preview,
      request: { body: { experimentOptions: { actionsMode: 'skip-all' } } },
    },
  ],
  waits: [
    {
      name: 'one of many experiments to end',
      change: async ({ state }) => {
        state.maxActive = 1
        await connected().start(shop)
      },
      reason: `AWS FIS cannot start ${target} yet: The maximum number of active experiments is reached.`,
    },
    {
      name: 'the end of a conflict',
      change: ({ failNext }) => failNext(409, { message: 'It exists' }, { headers: conflict }),
      reason: 'It exists',
    },
  ],
  reports: [
    { name: 'that no action has ended', change: () => undefined, reported: { progress: '0 of 2 actions ended' } },
    {
      name: 'the running action',
      change: ({ act }) => {
        act('cpu-stress', 'completed')
        act('stop-one', 'running')
      },
      reported: { progress: '1 of 2 actions ended, running: stop-one' },
    },
  ],
  invalidIds: { ids: [target, `${id}/..`, 'EXP', '17'], message: 'such as EXPabc123DEFghi' },
})

test('AWS FIS: the connection signs requests for the service and the region', async () => {
  await expectFailure(connected({ region: 'eu-west-2' }).start(shop), 'refused', 'should be scoped to a valid region.')
  expect(server.calls[0]?.headers['authorization']).toContain('/eu-west-2/fis/aws4_request')
})

test('AWS FIS: the connection needs a region if the function has none', () => {
  const own = process.env['AWS_REGION']
  delete process.env['AWS_REGION']
  try {
    expect(() => awsFis.baseUrl?.(connection({}))).toThrow('The connection to AWS FIS needs a region')
  } finally {
    process.env['AWS_REGION'] = own
  }
})

test('AWS FIS: a start has the key as its token and as a tag, and names the actions of the template', async () => {
  const { outcome } = await connected({ allow: ['EXT9', 'EXT1*'] }).start(shop)
  const message = `Started experiment ${id}: cpu-stress (aws:ssm:send-command), stop-one (aws:ec2:stop-instances)`
  expect(outcome).toMatchObject({ message, data: { id, url } })
  const tags = { 'cloud-automation-webhooks': keyOf(1) }
  expect(starts()).toMatchObject([{ body: { clientToken: keyOf(1), experimentTemplateId: target, tags } }])
})

describe('AWS FIS: experiment', () => {
  test.each([
    ['Experiment halted by stop condition.', 'succeeded', ' (alarms: checkout-errors)'],
    ['Experiment stopped by user.', 'aborted', ''],
    ['Experiment halted by safety lever.', 'aborted', ''],
    ['Experiment stopped.', 'aborted', ''],
  ])('that was stopped because of "%s" is %s', async (reason, status, note) => {
    const message = `Experiment ${id} ended as stopped: ${reason}${note}`
    expect(await endIn('stopped', { reason })).toMatchObject({ status, result: 'fail', message })
  })

  test.each([
    ['succeeded', [{ source: 'aws:cloudwatch:alarm', value: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x' }]],
    ['aborted', [{ source: 'none' }]],
  ])('that was stopped without a reason is %s with the conditions %j', async (status, stopConditions) => {
    const stop = () => Object.assign(server.newest(), { stopConditions, state: { status: 'stopped' } })
    expect(await connected().endAfter(shop, stop)).toMatchObject({ status, result: 'fail' })
  })

  test('reports what was injected, and is judged by thresholds', async () => {
    const reason = 'Action was halted by stop condition.'
    const input = { ...shop, thresholds: [{ metric: 'duration', op: '<', value: 400, warn: 200 }] }
    const ended = await connected().endAfter(input, () => {
      server.act('cpu-stress', 'completed')
      server.act('stop-one', 'stopped', reason)
      Object.assign(server.newest(), { targetAccountConfigurationsCount: 2 })
      server.become('stopped', byCondition)
    })
    expect(ended.message).toContain('duration is 300, not < 200')
    expect(ended.data).toEqual({
      id,
      url,
      state: 'stopped',
      template: target,
      duration: 300,
      accounts: 2,
      alarms: ['checkout-errors'],
      start: '2025-11-24T16:00:00.000Z',
      end: '2025-11-24T16:05:00.000Z',
      thresholds: expect.any(Array),
      actions: {
        'cpu-stress': { actionId: 'aws:ssm:send-command', state: 'completed' },
        'stop-one': { actionId: 'aws:ec2:stop-instances', state: 'stopped', reason },
      },
      targets: { shop: 'aws:ec2:instance, COUNT(1)' },
    })
  })

  test('that failed names the action and its reason', async () => {
    const error = { accountId: '123456789012', code: 'AuthorizationFailure', location: 'actions/stop-one' }
    const ended = await connected().endAfter(shop, () => {
      server.act('stop-one', 'failed', 'User is not authorized to perform ec2:StopInstances.')
      server.become('failed', { reason: 'Action failed.', error })
    })
    const reason = 'User is not authorized to perform ec2:StopInstances. (AuthorizationFailure, actions/stop-one)'
    const message = `Experiment ${id} ended as failed: action stop-one failed: ${reason}`
    expect(ended).toMatchObject({ status: 'errored', message, data: { failedAction: 'stop-one' } })
  })

  test.each([
    ['failed', 'Target resolution returned empty set', 'Target resolution returned empty set'],
    ['cancelled', 'It ended.', 'AWS cancels experiments while the safety lever is engaged'],
  ])('that is %s has the reason of AWS', async (status, reason, words) => {
    expect((await endIn(status, { reason })).message).toContain(words)
  })

  test.each([
    ['a warning', shop, 'warning', 'no fault was injected: all actions were skipped'],
    ['a pass if it was a preview', preview, 'pass', 'a preview: its actions were skipped'],
  ])('without an injected fault is %s', async (_what, input, result, words) => {
    const ended = await connected().endAfter(input, () => {
      for (const name of ['cpu-stress', 'stop-one']) server.act(name, 'skipped')
      server.become('completed')
    })
    expect(ended).toMatchObject({ status: 'succeeded', result, message: expect.stringContaining(words) })
  })
})
