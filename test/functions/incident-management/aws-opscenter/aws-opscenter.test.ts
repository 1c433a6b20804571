import { ticketRow } from './fake.ts'
import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsOpsCenter } from '../../../../functions/incident-management/aws-opscenter/aws-opscenter.ts'
import { withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'

const id = 'oi-000000000001'
const title = 'Checkout fails'
const searchable = (Value: string) => ({ Type: 'SearchableString', Value })
const marker = {
  '/aws/dedup': searchable(`{"dedupString":"${keyOf(1)}"}`),
  'cloud-automation-webhooks': searchable(keyOf(1)),
}
const notified = { Notifications: [{ Arn: 'arn:aws:sns:eu-west-1:123456789012:ops' }] }
const automations = { OperationalData: { '/aws/automations': searchable('[]') } }
const data = (name: string, value: string) => ({ fields: { OperationalData: { [name]: { Value: value } } } })
const refused = (name: string, words: string) => `AWS OpsCenter answered ${name} to CreateOpsItem: ${words}`
const levels = 'must be critical, high, medium or low, or a number from 1 to'

const t = testTickets(ticketRow, awsOpsCenter, {
  tickets: ({ state }) => state.opsItems,
  id,
  check: ['DescribeOpsItems'],
  defaults: { source: 'Cloud Automation' },
  opened() {
    const url = `https://eu-west-1.console.aws.amazon.com/systems-manager/opsitems/${id}?region=eu-west-1`
    return { id, number: id, url, state: 'Open' }
  },
  opens: [
    {
      input: {},
      stored: { Title: title, Description: 'Since **14:03**.', Source: 'Cloud Automation', OperationalData: marker },
    },
    {
      input: { type: 'Availability', labels: ['sev 1', 'team:shop'] },
      stored: { Category: 'Availability', Tags: { 'sev 1': '', 'team:shop': '' } },
    },
    {
      input: { fields: { ...notified, ...automations } },
      stored: { ...notified, OperationalData: { ...automations.OperationalData, ...marker } },
    },
    ...['critical', 'High', 'medium', 'low'].map((level, index) => ({
      input: { priority: level, severity: level },
      stored: { Priority: index + 1, Severity: String(index + 1) },
    })),
    {
      input: { priority: '5', severity: '4' },
      stored: { Priority: 5, Severity: '4', Category: 'Cost' },
      connection: { type: 'Cost' },
    },
    { input: { title: 'x'.repeat(2_000) }, stored: { Title: `${'x'.repeat(1_023)}…` } },
    { input: { description: `${'y'.repeat(2_046)}😀😀` }, stored: { Description: `${'y'.repeat(2_046)}…` } },
    // An empty description is invalid.
    { input: { description: ' ' }, stored: { Description: title } },
  ],
  failedChecks: [
    {
      reason: 'the ssm:DescribeOpsItems action. Allow it under awsProviders',
      change: withState({ denied: ['DescribeOpsItems'] }),
    },
  ],
  refusedOpens: [
    { input: data('x', ' '), reason: refused('OpsItemInvalidParameterException', 'OperationalData value of x') },
    { input: data('ssm-x', 'y'), reason: refused('OpsItemInvalidParameterException', 'OperationalData key ssm-x') },
    { input: { type: 'x'.repeat(65) }, reason: refused('ValidationException', "Value at 'Category'") },
    { input: { labels: ['aws:x'] }, reason: refused('ValidationException', "Value at 'tags'") },
  ],
  unsupported: [
    { input: { urgency: 'high' }, message: 'input.urgency is not supported by OpsCenter' },
    { input: { assignee: 'mia' }, message: 'input.assignee is not supported by OpsCenter' },
    { input: { priority: 'P1' }, message: `input.priority ${levels} 5` },
    { input: { priority: '6' }, message: `input.priority ${levels} 5` },
    { input: { severity: '5' }, message: `input.severity ${levels} 4` },
    {
      input: { fields: { Notifcations: [] } },
      message: 'input.fields cannot contain Notifcations. Use Notifications, Op',
    },
    { input: { state: 'Pending' }, message: 'input.state must be open, closed, Open, InProgress, Resolved' },
  ],
  ids: {
    refused: ['4711', 'oi-123', 'oi-00000000000g'],
    message: 'input.id must be the id of an OpsItem, such as oi-0123456789ab',
  },
  earlier: { labels: ['eu'], priority: 'low' },
  refusedCloses: [{ input: {}, reason: 'ssm:UpdateOpsItem', change: withState({ denied: ['UpdateOpsItem'] }) }],
  updates: [
    {
      changes: { title: 'Checkout is back', severity: 'low' },
      stored: { Title: 'Checkout is back', Severity: '4' },
    },
    { changes: { type: 'Recovery' }, stored: { Category: 'Recovery' } },
    { changes: { description: '' }, stored: { Description: '-' } },
  ],
  states: [
    ['closed', 'Resolved'],
    ['closed', 'open', 'Open'],
    ['in progress', 'InProgress'],
    ['in progress', 'open', 'InProgress'],
    ['resolved', 'Resolved'],
  ],
})
const { open, update, close, ticket, count } = t

test('AWS OpsCenter: a repeated open-issue recognizes an OpsItem that is not searchable yet by the refusal of AWS', async () => {
  await open()
  Object.assign(ticket().OperationalData['cloud-automation-webhooks'] ?? {}, { Type: 'String' })
  ticket().Status = 'InProgress'
  expect((await open()).data).toMatchObject({ id, state: 'InProgress' })
  expect(count()).toBe(1)
})

test('AWS OpsCenter: a retry opens nothing if the search has more pages', async () => {
  t.server.replaceNext(() => true, JSON.stringify({ OpsItemSummaries: [], NextToken: 'more' }))
  await expectFailure(open({}, { isRetry: true }), { kind: 'unconfirmed', transient: false })
  expect(count()).toBe(0)
})

describe('AWS OpsCenter: an earlier OpsItem', () => {
  t.withTicket()

  test('gets new tags in addition to its own', async () => {
    const updated = await update({ labels: ['eu', 'solved'] })
    expect(updated).toMatchObject({ message: `Updated OpsItem ${id}, now Open`, data: { state: 'Open' } })
    expect(ticket()).toMatchObject({ Tags: { eu: '', solved: '' }, Priority: 4 })
  })

  test('gets a comment with its time, and keeps the others', async () => {
    await update({ comment: 'Still slow' })
    await update({ comment: 'Better' }, { key: keyOf(2) })
    const comments = Object.entries(ticket().OperationalData).filter(([name]) => name.startsWith('comment-'))
    expect(comments).toEqual([
      [`comment-${keyOf(1)}`, { Type: 'String', Value: expect.stringMatching(/^20\d\d-\S+Z Still slow$/) }],
      [`comment-${keyOf(2)}`, { Type: 'String', Value: expect.stringMatching(/Better$/) }],
    ])
  })

  test('is resolved with comment and resolution', async () => {
    const closed = await close({ comment: 'Restarted', resolution: 'Restart' })
    expect(closed).toMatchObject({ message: `Closed OpsItem ${id} (Resolved)`, data: { state: 'Resolved' } })
    expect(ticket().OperationalData).toMatchObject({
      resolution: { Type: 'String', Value: 'Restart' },
      [`comment-${keyOf(1)}`]: { Value: expect.stringMatching(/Restarted$/) },
    })
  })
})
