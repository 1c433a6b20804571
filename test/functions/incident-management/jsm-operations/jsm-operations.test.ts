import { describe, expect, test } from '@jest/globals'
import { jsmOperations } from '../../../../functions/incident-management/jsm-operations/jsm-operations.ts'
import { withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const team = '0f2b6f2c-5d1a-4a3e-9b57-6f1c8f0f4f11'
const site = 'https://acme.atlassian.net'

const t = testTickets(ticketRow, jsmOperations, {
  tickets: ({ state }) => state.alerts,
  id: ({ state }) => state.alerts[0]?.id ?? '',
  defaults: { baseUrl: 'https://api.atlassian.com/jsm/ops' },
  invalid: [{ cloudId: 'acme' }],
  projects: { accepted: [team], refused: ['ops', `${team}/x`] },
  opened: ({ state: { alerts } }) => {
    const id = alerts[0]?.id
    return { id, number: '1', url: `${site}/jira/ops/alerts/${id}`, state: 'open' }
  },
  opens: [
    { input: {}, stored: { message: 'Checkout fails', description: 'Since **14:03**.', alias: keyOf(1) } },
    {
      input: { severity: 'critical', labels: ['shop'] },
      stored: { priority: 'P1', tags: ['shop'] },
    },
    { input: { fields: { entity: 'cart' } }, stored: { entity: 'cart' } },
    {
      input: { project: team, assignee: 'a1' },
      stored: {
        responders: [
          { id: team, type: 'team' },
          { id: 'a1', type: 'user' },
        ],
      },
    },
  ],
  unsupported: [
    { input: { type: 'x' }, message: 'input.type is not supported' },
    { input: { resolution: 'x' }, message: 'input.resolution is not supported' },
    { input: { priority: 'P6' }, message: 'input.priority must be critical, high, medium, low or P1 to P5' },
    { input: { urgency: 'soon' }, message: 'input.urgency must be' },
    { input: { state: 'snoozed' }, message: 'input.state must be open, acknowledged' },
    { input: { id: 'x', assignee: 'a1' }, message: 'input.assignee can be set only when an alert is opened' },
    { input: { id: 'x', fields: {} }, message: 'input.fields can be set only when an alert is opened' },
  ],
  updates: [
    { changes: { title: 'Slow' }, stored: { message: 'Slow' } },
    { changes: { description: 'All' }, stored: { description: 'All' } },
    { changes: { priority: 'low' }, stored: { priority: 'P4' } },
    { changes: { labels: ['eu'] }, stored: { tags: ['eu'] } },
  ],
  refusedOpens: [
    { input: {}, reason: 'does not support this.', change: withState({ refusal: 'Your plan does not support this.' }) },
  ],
  refusedUpdates: [
    {
      input: { state: 'open' },
      reason: 'closed alerts cannot be reopened. Open another.',
      change: ({ state }) => Object.assign(state.alerts[0] ?? {}, { status: 'closed' }),
    },
  ],
  states: [
    ['acknowledged', 'acked'],
    ['acked', 'acked'],
    ['closed', 'closed'],
    ['resolved', 'closed'],
    ['open', 'open'],
  ],
})
const { server, open, update, close, ticket } = t

test('JSM Operations: an open waits until the alert is created, and has no link without the URL of the site', async () => {
  server.state.processedLate = 2
  const opened = await open({}, { connection: { site: undefined } })
  expect(opened).toMatchObject({ data: { number: '1', state: 'open' }, links: {} })
})

describe('JSM Operations: an open alert', () => {
  t.withTicket()

  test.each([
    ['snoozed', 'Closed alert 1 (closed)'],
    ['resolved', 'The alert 1 was closed already (resolved)'],
  ] as const)('that is %s is closed', async (status, message) => {
    ticket().status = status
    expect(await close()).toMatchObject({ message })
  })

  test('has its comment behind a hundred newer ones', async () => {
    await update({ comment: 'Still down' })
    ticket().notes.unshift(...Array.from({ length: 150 }, () => 'Me too'))
    await update({ comment: 'Still down' })
    expect(ticket().notes).toHaveLength(151)
  })

  test('has no second comment behind more notes than a retry searches', async () => {
    await update({ comment: 'Still down' })
    ticket().notes.unshift(...Array.from({ length: 400 }, () => 'Me too'))
    await expectFailure(update({ comment: 'Still down' }, { isRetry: true }), { kind: 'unconfirmed', transient: false })
    expect(ticket().notes).toHaveLength(401)
  })
})

test('JSM Operations: sends an OAuth token as a Bearer token', () => {
  const { connection } = t.client({ connection: { email: undefined } })
  expect(jsmOperations.headers(connection)).toEqual({ authorization: `Bearer ${server.token}` })
})
