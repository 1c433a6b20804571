import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsOpsCenter } from '../../../functions/incident-management/providers/aws-opscenter.ts'
import { startSsm } from '../../../infra/platforms/aws-ssm.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { ticketActions } from './tickets.ts'

const server = startEach(startSsm)
const [title, description] = ['Checkout fails', 'Since 14:03.']
const id = 'oi-000000000001'
const { check, open, update, close } = ticketActions(
  awsOpsCenter,
  () => ({ endpoint: server.url, region: 'eu-west-1' }),
  id,
)
const item = (at = 0) => {
  const found = server.state.opsItems[at]
  if (!found) throw new Error(`No OpsItem ${at}`)
  return found
}
const count = (operation: string) => server.operations().filter((one) => one === operation).length

describe('AWS OpsCenter: connection', () => {
  test('the connection test lists one OpsItem', async () => {
    await check()
    expect(server.operations()).toEqual(['DescribeOpsItems'])
  })

  test('reports the permission to allow', async () => {
    server.state.denied = ['DescribeOpsItems']
    await expectFailure(check(), 'refused', 'the ssm:DescribeOpsItems action. Allow it under awsProviders')
  })

  test('has a default source', () => {
    expect(awsOpsCenter.connection.parse({})).toEqual({ source: 'Cloud Automation' })
  })
})

describe('AWS OpsCenter: open', () => {
  test('creates an OpsItem and returns its id and link', async () => {
    const url = `https://eu-west-1.console.aws.amazon.com/systems-manager/opsitems/${id}?region=eu-west-1`
    expect(await open()).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: `Opened OpsItem ${id}`,
      data: { id, number: id, url, state: 'Open' },
      links: { [`aws-opscenter ${id}`]: url },
    })
    expect(item()).toMatchObject({
      Title: title,
      Description: description,
      Source: 'Cloud Automation',
      OperationalData: {
        '/aws/dedup': { Type: 'SearchableString', Value: `{"dedupString":"${keyOf(1)}"}` },
        'cloud-automation-webhooks': { Type: 'SearchableString', Value: keyOf(1) },
      },
    })
  })

  test('sets category, priority, severity, tags and other fields', async () => {
    const fields = {
      Notifications: [{ Arn: 'arn:aws:sns:eu-west-1:123456789012:ops' }],
      OperationalData: { '/aws/automations': { Type: 'SearchableString', Value: '[]' } },
    }
    await open({ type: 'Availability', priority: 'critical', severity: 'high', labels: ['sev 1', 'team:shop'], fields })
    expect(item()).toMatchObject({
      Category: 'Availability',
      Priority: 1,
      Severity: '2',
      Tags: { 'sev 1': '', 'team:shop': '' },
      Notifications: fields.Notifications,
    })
    expect(Object.keys(item().OperationalData)).toEqual(['/aws/automations', '/aws/dedup', 'cloud-automation-webhooks'])
  })

  test.each([
    ['critical', 1, '1'],
    ['High', 2, '2'],
    ['medium', 3, '3'],
    ['low', 4, '4'],
  ])('maps %s to priority %d and severity %s', async (level, Priority, Severity) => {
    await open({ priority: level, severity: level })
    expect(item()).toMatchObject({ Priority, Severity })
  })

  test('accepts numbers, and defaults to the category of the connection', async () => {
    await open({ priority: '5', severity: '4' }, { connection: { type: 'Cost' } })
    expect(item()).toMatchObject({ Priority: 5, Severity: '4', Category: 'Cost' })
  })

  test('cuts long texts, and never sends an empty description', async () => {
    await open({ title: 'x'.repeat(2_000), description: `${'y'.repeat(2_046)}😀😀` })
    expect(item().Title).toHaveLength(1_024)
    expect(item().Description).toBe(`${'y'.repeat(2_046)}…`)
    await open({ description: ' ' }, { key: keyOf(2) })
    expect(item(1).Description).toBe(title)
  })

  test('a repeated call finds it in any state', async () => {
    await open()
    for (const Status of ['Open', 'InProgress', 'Resolved']) {
      item().Status = Status
      const again = await open({}, { isRetry: true })
      expect([again.message, again.data['state']]).toEqual([
        `Found OpsItem ${id}, opened by an earlier attempt`,
        Status,
      ])
    }
    expect(count('CreateOpsItem')).toBe(1)
  })

  test('finds an OpsItem that is not searchable yet by the refusal of AWS', async () => {
    await open()
    const data = item().OperationalData['cloud-automation-webhooks']
    if (data) data.Type = 'String'
    item().Status = 'InProgress'
    const again = await open()
    expect(again.data).toMatchObject({ id, state: 'InProgress' })
    expect(server.state.opsItems).toHaveLength(1)
  })

  const data = (name: string, value: string) => ({ fields: { OperationalData: { [name]: { Value: value } } } })
  test.each([
    [data('x', ' '), 'OpsItemInvalidParameterException', 'OperationalData value of x'],
    [data('ssm-x', 'y'), 'OpsItemInvalidParameterException', 'OperationalData key ssm-x'],
    [{ type: 'x'.repeat(65) }, 'ValidationException', "Value at 'Category'"],
    [{ labels: ['aws:x'] }, 'ValidationException', "Value at 'tags'"],
  ])('reports the message of AWS for %j', async (input, name, words) => {
    const { kind, message, mayHaveWritten } = await failureOf(open(input))
    expect([kind, mayHaveWritten]).toEqual(['refused', false])
    expect(message).toContain(`AWS OpsCenter answered ${name} to CreateOpsItem: ${words}`)
    expect(server.state.opsItems).toEqual([])
  })
})

describe('AWS OpsCenter: invalid input', () => {
  test.each([
    [{ urgency: 'high' }, 'input.urgency is not supported by OpsCenter'],
    [{ assignee: 'mia' }, 'input.assignee is not supported by OpsCenter'],
    [{ priority: 'P1' }, 'input.priority must be critical, high, medium or low, or a number from 1 to 5'],
    [{ priority: '6' }, 'input.priority must be critical, high, medium or low, or a number from 1 to 5'],
    [{ severity: '5' }, 'input.severity must be critical, high, medium or low, or a number from 1 to 4'],
    [{ fields: { Notifcations: [] } }, 'input.fields cannot contain Notifcations. Use Notifications, Op'],
    [{ state: 'Pending' }, 'input.state must be open, closed, Open, InProgress, Resolved'],
  ])('is refused: %j', async (input, message) => {
    const failure = await failureOf(Promise.resolve().then(() => awsOpsCenter.checkInput(input)))
    expect([failure.kind, failure.message]).toEqual(['invalid', expect.stringContaining(message)])
  })

  test.each(['4711', 'oi-123', 'oi-00000000000g'])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(
      Promise.resolve().then(() => awsOpsCenter.checkRef({ id: wrong, project: undefined })),
    )
    expect(failure.message).toBe('input.id must be the id of an OpsItem, such as oi-0123456789ab')
  })
})

describe('AWS OpsCenter: update', () => {
  test('changes the given fields and keeps the rest', async () => {
    await open({ labels: ['eu'], priority: 'low' })
    const changes = { title: 'Checkout is back', severity: 'low', labels: ['eu', 'solved'], type: 'Recovery' }
    const done = await update(changes)
    expect(done).toMatchObject({ message: `Updated OpsItem ${id}, now Open`, data: { state: 'Open' } })
    expect(item()).toMatchObject({
      Title: 'Checkout is back',
      Description: description,
      Severity: '4',
      Priority: 4,
      Category: 'Recovery',
      Tags: { eu: '', solved: '' },
    })
    expect(Object.keys(item().OperationalData)).toHaveLength(2)
  })

  test('replaces an empty description with a dash', async () => {
    await open()
    await update({ description: '' })
    expect(item().Description).toBe('-')
  })

  test.each([
    ['closed', 'Open', 'Resolved'],
    ['open', 'Resolved', 'Open'],
    ['open', 'InProgress', 'InProgress'],
    ['in progress', 'Open', 'InProgress'],
    ['resolved', 'Open', 'Resolved'],
  ])('the state %s changes it from %s to %s', async (state, before, after) => {
    await open()
    item().Status = before
    expect((await update({ state })).data['state']).toBe(after)
  })

  test('adds a comment with its time, and keeps the others', async () => {
    await open()
    await update({ comment: 'Still slow' })
    await update({ comment: 'Better' }, { key: keyOf(2) })
    const comments = Object.entries(item().OperationalData).filter(([name]) => name.startsWith('comment-'))
    expect(comments).toEqual([
      [`comment-${keyOf(1)}`, { Type: 'String', Value: expect.stringMatching(/^20\d\d-\S+Z Still slow$/) }],
      [`comment-${keyOf(2)}`, { Type: 'String', Value: expect.stringMatching(/Better$/) }],
    ])
  })

  test('reports a possible write if only the read after it failed', async () => {
    await open()
    server.failNext(503, '<html>busy</html>', { on: 'GetOpsItem' })
    const failure = await failureOf(update({ title: 'x' }))
    expect([failure.kind, failure.mayHaveWritten]).toEqual(['platform', true])
    expect(failure.message).toBe('AWS OpsCenter answered 503 to GetOpsItem with a body that is not JSON.')
  })
})

describe('AWS OpsCenter: close', () => {
  test('resolves it with comment and resolution', async () => {
    await open()
    const done = await close({ comment: 'Restarted', resolution: 'Restart' })
    expect([done.message, done.data['state']]).toEqual([`Closed OpsItem ${id} (Resolved)`, 'Resolved'])
    expect(item().OperationalData).toMatchObject({
      resolution: { Type: 'String', Value: 'Restart' },
      [`comment-${keyOf(1)}`]: { Value: expect.stringMatching(/Restarted$/) },
    })
  })

  test('reports a missing permission of the role', async () => {
    await open()
    server.state.denied = ['UpdateOpsItem']
    const { kind, message } = await failureOf(close())
    expect([kind, message]).toEqual(['refused', expect.stringContaining('ssm:UpdateOpsItem')])
    expect(item().Status).toBe('Open')
  })
})

ticketConformance(awsOpsCenter, ticketPlatforms['incident-management/aws-opscenter'])
