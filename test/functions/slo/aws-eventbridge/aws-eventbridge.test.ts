import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsEventBridge } from '../../../../functions/slo/aws-eventbridge/aws-eventbridge.ts'
import { awsError } from '../../../platforms/aws-json.ts'
import { failureOf, keyOf } from '../../helpers.ts'
import { evaluated } from '../drive.ts'
import { playReports } from '../play.ts'
import { startEventBridge } from './fake.ts'

const arn = 'arn:aws:events:eu-west-1:123456789012:event-bus/deploys'

const { server, push } = playReports(awsEventBridge, {
  start: startEventBridge,
  connection: ({ url }) => ({ endpoint: url, region: 'eu-west-1' }),
  visible: ({ state }) => new Set(state.events.map(({ detail }) => detail['key'])).size,
  awsError: (type, message) => ({ body: awsError(`com.amazon.coral.service#${type}`, message).body }),
  // EventBridge drops events for an unknown bus.
  checks: [{ connection: { eventBus: 'deploys' }, requests: [{ body: { Name: 'deploys' } }] }],
  failedChecks: [
    { reason: 'ResourceNotFoundException: Event bus old does not exist.', connection: { eventBus: 'old' } },
    { reason: 'Allow it under awsProviders', change: ({ state }) => state.denied.push('DescribeEventBus') },
  ],
  invalid: ['', 'a bus', 'arn:aws:sns:eu-west-1:123456789012:deploys', `${arn}/../x`].map((eventBus) => ({ eventBus })),
})

describe('AWS EventBridge: a report', () => {
  test('is an event with the complete evaluation', async () => {
    const outcome = await push()
    const [event] = server.state.events
    expect(outcome).toMatchObject({
      message: expect.stringContaining('to AWS EventBridge: an event on default'),
      data: { id: event?.id },
    })
    expect(event).toMatchObject({ bus: 'default', source: 'cloud-automation-webhooks', type: 'evaluation.finished' })
    expect(event?.detail).toEqual({
      key: keyOf(1),
      eventId: '6f1b7e1c-0f0e-4a53-9f62-6b0a0d9b2a11',
      task: 'evaluation',
      shkeptncontext: '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11',
      project: 'shop',
      stage: 'production',
      service: 'checkout',
      status: 'succeeded',
      labels: { team: 'shop' },
      title: 'Evaluation of checkout in shop/production ended with a warning (score 75)',
      url: 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e',
      evaluation: evaluated,
    })
  })

  test('goes to the bus of the connection, by name or ARN', async () => {
    await push({ connection: { eventBus: 'deploys' } })
    await push({ connection: { eventBus: arn } })
    expect(server.state.events.map(({ bus }) => bus)).toEqual(['deploys', 'deploys'])
  })

  test('that is too large has no details and says so', async () => {
    const sloFileContent = '語'.repeat(90_000)
    await push({ data: { evaluation: { ...evaluated, sloFileContent, url: 'https://slo.example.com/1' } } })
    const { evaluation, omitted } = server.state.events[0]?.detail ?? {}
    const { result, score, timeStart, timeEnd } = evaluated
    expect(evaluation).toEqual({ result, score, timeStart, timeEnd, url: 'https://slo.example.com/1' })
    expect(omitted).toMatch(/^The evaluation is too large/)
  })

  test('of malicious text is valid JSON', async () => {
    const service = '"},{"Source":"aws.ec2'
    await push({ data: { service } })
    expect(server.state.events).toMatchObject([{ source: 'cloud-automation-webhooks', detail: { service } }])
  })

  test.each([
    ['ThrottlingException', 'platform'],
    ['InternalFailure', 'platform'],
    ['MalformedDetail', 'refused'],
    ['NotAuthorizedForSourceException', 'refused'],
    ['AccessDeniedException', 'refused'],
  ])('that gets %s in a 200 response is a failure of kind %s', async (ErrorCode, kind) => {
    server.state.failing.push({ ErrorCode, ErrorMessage: 'No.' })
    const expected = { kind, message: `AWS EventBridge did not accept the event: ${ErrorCode}: No.` }
    expect(await failureOf(push())).toMatchObject(expected)
    expect(server.state.events).toEqual([])
  })
})

test('AWS EventBridge: an error response of another format can be retried', async () => {
  for (const strange of [{}, { FailedEntryCount: 0, Entries: [] }]) {
    server.failNext(200, strange)
    expect(await failureOf(push())).toMatchObject({ kind: 'platform' })
  }
})
