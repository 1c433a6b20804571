import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { withMetrics } from '../../shared/metrics.ts'

beforeEach(() => {
  process.env['WEBHOOKS_METRICS_NAMESPACE'] = 'A stack'
  process.env['WEBHOOKS_USAGE_METRICS'] = 'true'
})
afterEach(() => {
  delete process.env['WEBHOOKS_METRICS_NAMESPACE']
  delete process.env['WEBHOOKS_USAGE_METRICS']
})

const call = { message: 'audit', audit: 'call', outcome: 'pass', provider: 'github', kind: null }

test('a line that counts has its metrics in the embedded metric format', () => {
  const metric = { Namespace: 'A stack', Dimensions: [['outcome']], Metrics: [{ Name: 'Calls', Unit: 'Count' }] }
  const _aws = { Timestamp: expect.any(Number), CloudWatchMetrics: [metric] }
  expect(withMetrics(call)).toEqual({ ...call, Calls: 1, _aws })
})

describe('a metric counts', () => {
  test.each([
    ['Calls', call],
    ['Tasks', { ...call, audit: 'task' }],
    ['Failures', { message: 'start failed', provider: 'github', kind: 'platform' }],
    ['SecretsInInput', { message: 'call contains a stored credential', secretInInput: true }],
    ['TurnsExpired', { message: 'turn ended with its lease', turnExpired: true }],
    ['ApprovalsWaiting', { message: 'approval waits', approvalWaits: true }],
    ['StopsInForce', { message: 'stops', stopsInForce: 1 }],
    ['AnswersLost', { message: 'answer lost', answerLost: true }],
  ])('%s', (name, line) => {
    const counted = withMetrics(line) as { _aws: { CloudWatchMetrics: { Dimensions: string[][] }[] } }
    expect(counted).toMatchObject({ [name]: 1, _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: name }] }] } })
    // CloudWatch drops a metric whose dimension is not a text.
    const { CloudWatchMetrics: found } = counted._aws
    for (const dimension of found.flatMap(({ Dimensions }) => Dimensions.flat()))
      expect(counted).toHaveProperty(dimension, expect.any(String))
  })
})

test.each([
  ['a request that its caller has to change', { message: 'request', provider: 'github', kind: 'invalid' }],
  ['a failure without a provider', { message: 'send-finished failed', kind: 'platform' }],
  ['a canceled task', { message: 'audit', audit: 'cancel', outcome: 'accepted' }],
])('%s counts nothing', (_what, line) => {
  expect(withMetrics(line)).toBe(line)
})

test('a task of a rule that ends as errored counts for its alarm, in addition to the tasks', () => {
  const namesOf = (line: object) => {
    const counted = withMetrics({ message: 'audit', audit: 'task', ...line }) as {
      _aws: { CloudWatchMetrics: { Metrics: { Name: string }[] }[] }
    }
    return counted._aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name))
  }
  expect(namesOf({ caller: 'source-alerts', outcome: 'errored' })).toEqual(['Tasks', 'AlertTasksErrored'])
  expect(namesOf({ caller: 'source-alerts', outcome: 'fail' })).toEqual(['Tasks'])
  expect(namesOf({ caller: 'ci', outcome: 'errored' })).toEqual(['Tasks'])
})

test('without usage metrics, only the metrics of alarms remain', () => {
  delete process.env['WEBHOOKS_USAGE_METRICS']
  expect(withMetrics(call)).toBe(call)
  expect(withMetrics({ answerLost: true })).toHaveProperty('AnswersLost', 1)
})

test('without a namespace, as in the local runtime, there are no metrics', () => {
  delete process.env['WEBHOOKS_METRICS_NAMESPACE']
  expect(withMetrics(call)).toBe(call)
})
