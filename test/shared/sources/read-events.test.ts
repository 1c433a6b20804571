import { describe, expect, it, test } from '@jest/globals'
import { loadSourceType, type SourceTypeName, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { readEvent } from '../../../shared/sources/read-notification.ts'
import type { Row } from './expected-events.ts'
import { composed, expected } from './notifications.ts'
import { load, recorded } from './recorded.ts'

async function rowOf(type: SourceTypeName, headers: Record<string, string>, body: object): Promise<Row> {
  const { kind, event, runs } = await readEvent({ type }, headers, body)
  return [kind, event, ...runs]
}

describe('A notification', () => {
  it.each(recorded)('in %s is understood', async (file) => {
    const { type, headers, body } = load(file)
    expect(await rowOf(type, headers, body)).toEqual(expected[file])
  })

  it.each(composed)('of %s with the body %j is understood', async (type, body, row, headers = {}) => {
    expect(await rowOf(type, headers, body)).toEqual(row)
  })

  test('of each type is in a test', () => {
    const tested = [...recorded.map((file) => file.split('/')[0]), ...composed.map(([type]) => type)]
    expect(sourceTypeNames.filter((name) => !tested.includes(name))).toEqual([])
  })

  it.each<[SourceTypeName, string, Record<string, string>, object]>([
    ['github', 'a-delivery', load('github/ping').headers, { action: 'completed' }],
    ['gitlab', 'k-1', { 'idempotency-key': 'k-1' }, { object_kind: 'issue' }],
    ['circleci', 'e-1', {}, { type: 'ping', id: 'e-1' }],
    ['azure-devops', 'e-1', {}, { eventType: 'workitem.updated', id: 'e-1' }],
    ['linear', 'd-1', { 'linear-delivery': 'd-1' }, { type: 'Issue', action: 'create', data: {} }],
    ['eventbridge', 'e-1', {}, { id: 'e-1', 'detail-type': 'Other' }],
    ['http', 'msg_1', { 'webhook-id': 'msg_1' }, {}],
  ])('of %s has the id of its delivery', async (type, delivery, headers, body) => {
    expect((await readEvent({ type }, headers, body)).delivery).toBe(delivery)
  })

  it.each<[SourceTypeName, object, string]>([
    ['github', { action: 7 }, 'body.action must be text'],
    ['github', { workflow_run: { id: {} } }, 'body.workflow_run.id must be text or a whole number'],
    ['github', { action: 'completed' }, 'The event workflow_run.completed of GitHub names no run'],
    ['gitlab', {}, 'body.object_kind is required'],
    ['gitlab', { object_kind: 'pipeline', object_attributes: { status: 'success' } }, 'names no run'],
    ['azure-devops', { eventType: 'build.complete' }, 'names no run'],
    ['google-cloud-build', { message: {} }, 'body.message.messageId is required'],
    ['rundeck', { trigger: 'success' }, 'body.executionId is required'],
    ['tekton', {}, 'The header ce-type is missing'],
    ['awx', { id: 'x'.repeat(501), status: 'failed' }, 'body.id must be at most 500 characters'],
    [
      'jenkins',
      { url: 'job/%ff/', build: { number: 1, phase: 'FINALIZED' } },
      'The event FINALIZED of Jenkins names no run',
    ],
    ['jenkins', { job: 'x'.repeat(500), number: 1 }, 'has an id of more than 500 characters'],
    ['eventbridge', { 'detail-type': 'CodeBuild Build State Change', detail: {} }, 'detail.build-status'],
    [
      'aws-sns',
      {
        Type: 'SubscriptionConfirmation',
        TopicArn: 'arn:aws:sns:eu-west-1:1:t',
        Message: '',
        SubscribeURL: 'https://example.com/',
      },
      'SubscribeURL is not a URL of SNS',
    ],
  ])('of %s with the body %j is refused', async (type, body, message) => {
    const headers = { 'x-github-event': 'workflow_run' }
    await expect(readEvent({ type }, headers, body)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    })
  })

  test('contains nothing else of the body, except for rules', async () => {
    const body = {
      object_kind: 'pipeline',
      object_attributes: { id: 1, status: 'success', variables: [{ key: 'PASSWORD', value: 'hunter2-hunter2' }] },
    }
    const { content, ...read } = await readEvent({ type: 'gitlab' }, {}, body)
    expect(content).toEqual(body)
    expect(read).toEqual({ kind: 'ended', event: 'pipeline.success', runs: ['1'], delivery: undefined, headers: {} })
  })

  test('has an event on one line', async () => {
    const { event } = await readEvent({ type: 'linear' }, {}, { type: 'A\nB', action: 'x'.repeat(200), data: {} })
    expect(event).toMatch(/^A B\.x+…$/)
    expect(event.length).toBe(100)
  })
})

describe('A type of source', () => {
  it.each(sourceTypeNames)('%s says what to enter at the sender', async (name) => {
    const { title, setup, signatures, token, basic, publishedKeys } = await loadSourceType(name)
    const steps = setup.flatMap((step) => (typeof step === 'string' ? step : Object.values(step))).join('\n')
    expect(title).not.toBe('')
    expect([signatures, token, basic, publishedKeys].filter(Boolean)).not.toEqual([])
    expect(steps).toContain('{url}')
    expect(steps).toMatch(/\{secret\}|the secret\b|The secret\b/)
  })
})

describe('An event of AWS by way of SNS', () => {
  test('is read as the event', async () => {
    const body = {
      Type: 'Notification',
      TopicArn: 'arn',
      Message: JSON.stringify(load('eventbridge/fis-experiment-state-change.completed').body),
    }
    expect(await rowOf('aws-sns', {}, body)).toEqual(expected['eventbridge/fis-experiment-state-change.completed'])
  })

  test('confirms a subscription, and not the end of one', async () => {
    const confirmation = load('aws-sns/SubscriptionConfirmation').body
    const { confirmUrl } = await readEvent({ type: 'aws-sns' }, {}, confirmation)
    expect(confirmUrl).toBe(confirmation['SubscribeURL'])
    const end = await readEvent({ type: 'aws-sns' }, {}, load('aws-sns/UnsubscribeConfirmation').body)
    expect(end).not.toHaveProperty('confirmUrl')
  })
})

describe('A source of type http', () => {
  const settings = { type: 'http', run: 'data.runs[].id', ended: "contains(['done', 'broken'], data.state)" } as const

  it.each<[object, Row]>([
    [{ type: 'job', data: { state: 'done', runs: [{ id: 1 }, { id: 'b' }] } }, ['ended', 'job', '1', 'b']],
    [{ data: { state: 'running', runs: [{ id: 1 }, { id: '1' }] } }, ['progress', 'notification', '1']],
    [{ data: { state: 'done', runs: [] } }, ['ignored', 'notification']],
    [{}, ['ignored', 'notification']],
  ])('reads %j with its expressions', async (body, row) => {
    const { kind, event, runs } = await readEvent(settings, {}, body)
    expect([kind, event, ...runs]).toEqual(row)
  })

  test('reports an expression that fails', async () => {
    await expect(readEvent({ type: 'http', run: 'length(id)' }, {}, { id: 7 })).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('"run" of the source cannot be evaluated'),
    })
  })
})
