import { describe, expect, test } from '@jest/globals'
import { pagerdutyEvents } from '../../../../functions/incident-management/pagerduty-events/pagerduty-events.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const images = [{ src: 'https://x/y.png' }]
const withLink = 'Checkout fails\n\nhttps://example.com/problem/1'
const provider = 'is not supported for alerts. Use a connection with the provider pagerduty'

const t = testTickets(ticketRow, pagerdutyEvents, {
  tickets: ({ state }) => state.alerts,
  view: ({ events: [event = {}] }) => event,
  id: keyOf(9),
  defaults: { baseUrl: 'https://events.pagerduty.com' },
  opened: () => ({ id: keyOf(1), number: keyOf(1), state: 'triggered' }),
  opens: [
    { input: {}, stored: { event_action: 'trigger', dedup_key: keyOf(1), client: 'cloud-automation-webhooks' } },
    {
      input: {},
      stored: { payload: { summary: 'Checkout fails', source: 'cloud-automation-webhooks', severity: 'error' } },
    },
    { input: {}, stored: { payload: { custom_details: { description: 'Since **14:03**.' } } } },
    { input: {}, stored: { payload: { source: 'shop' } }, connection: { source: 'shop' } },
    { input: { type: 'disk', severity: 'warning' }, stored: { payload: { class: 'disk', severity: 'warning' } } },
    {
      input: { labels: ['eu'], priority: 'high', urgency: 'low' },
      stored: { payload: { custom_details: { labels: ['eu'], priority: 'high', urgency: 'low' } } },
    },
    {
      input: { fields: { images, payload: { component: 'mysql', source: 'prod-1' } } },
      stored: { images, payload: { source: 'prod-1', component: 'mysql' } },
    },
    {
      input: { description: withLink },
      stored: { links: [{ href: 'https://example.com/problem/1', text: 'Problem' }] },
    },
    { input: { description: withLink }, stored: { client_url: 'https://example.com/problem/1' } },
    { input: { severity: 'critical' }, stored: { payload: { severity: 'critical' } } },
    { input: { severity: 'High' }, stored: { payload: { severity: 'error' } } },
    { input: { urgency: 'medium', priority: 'critical' }, stored: { payload: { severity: 'warning' } } },
    { input: { priority: 'low' }, stored: { payload: { severity: 'info' } } },
  ],
  refusedOpens: [
    {
      input: { severity: 'SEV-1' },
      reason: "400 to POST /v2/enqueue: Event object is invalid; 'payload.severity' is invalid",
    },
  ],
  unsupported: [
    { input: { id: 'x', title: 'x', comment: 'x' }, message: `input.comment ${provider}` },
    { input: { id: 'x', title: 'x', assignee: 'x' }, message: `input.assignee ${provider}` },
    { input: { id: 'x', title: 'x', resolution: 'x' }, message: `input.resolution ${provider}` },
    { input: { id: 'x', description: 'x' }, message: 'input.title is missing' },
    { input: { id: 'x', labels: ['x'] }, message: 'input.title is missing' },
    { input: { id: 'x', severity: 'low' }, message: 'input.title is missing' },
    { input: { id: 'x', state: 'open' }, message: 'input.title is missing' },
    { input: { id: 'x', state: 'on hold' }, message: 'must be open, acknowledged or closed' },
  ],
  ids: { accepted: ['srv01/mysql'], refused: [' x'], message: 'input.id must be the id that open-ticket returned' },
})
const { server, open, update, close, ticket } = t

test('PagerDuty Events: the connection test sends an event that changes nothing', async () => {
  await open()
  await t.check()
  expect(server.calls.at(-1)?.body).toMatchObject({ event_action: 'resolve', routing_key: server.token })
  expect(ticket().status).toBe('triggered')
})

test.each([
  { description: 'x' },
  ...['acknowledged', 'closed', 'Resolved'].map((state) => ({ id: 'x', state })),
  ...[{ description: 'x' }, { labels: ['x'] }, { severity: 'low' }, { state: 'open' }].map((change) => ({
    id: 'x',
    title: 'x',
    ...change,
  })),
])('PagerDuty Events: accepts %j', (input) => {
  expect(pagerdutyEvents.checkInput?.(input)).toBeUndefined()
})

describe('PagerDuty Events: open', () => {
  test('returns the key that PagerDuty generates without an event id', async () => {
    expect(await open({}, { key: undefined })).toMatchObject({ data: { id: 'made-up-0' } })
  })

  test('sends its own routing key, and a link only if it has its own line', async () => {
    await open({
      fields: { routing_key: 'other' },
      description: 'See https://example.com\nhttps://example.com for more',
    })
    expect(ticket().events[0]).toMatchObject({ routing_key: server.token })
    expect(ticket().events[0]).not.toHaveProperty('links')
  })

  test('a 429 response wrote nothing', async () => {
    const message = 'Requests for this service are arriving too quickly.'
    server.failNext(429, { status: 'throttle exceeded', message })
    const expected = { kind: 'platform', transient: true, mayHaveWritten: false, retryAfter: undefined }
    await expectFailure(open(), expected, 'arriving too quickly')
  })
})

describe('PagerDuty Events: an earlier alert', () => {
  t.withTicket()

  test('refuses a comment before it sends anything', async () => {
    await expectFailure(update({ comment: 'x' }), 'invalid')
    expect(server.calls).toEqual([])
  })

  test('is triggered again by an update', async () => {
    expect(await update({ title: 'All fails', severity: 'critical' })).toMatchObject({
      message: `PagerDuty Events accepted the update of alert ${keyOf(9)}. Its state cannot be read back`,
      data: { id: keyOf(9), number: keyOf(9), state: 'updated' },
    })
    expect(t.count()).toBe(1)
    expect(ticket().events[1]).toMatchObject({ payload: { summary: 'All fails', severity: 'critical' } })
  })

  test('is acknowledged and resolved', async () => {
    expect(await update({ state: 'Acknowledged' })).toMatchObject({ data: { state: 'Acknowledged' } })
    expect(ticket().status).toBe('acknowledged')
    await update({ title: 'Over', state: 'closed' })
    expect(ticket()).toMatchObject({ status: 'resolved', events: [{}, {}, { payload: { summary: 'Over' } }, {}] })
  })

  test('is triggered again by the state open', async () => {
    await update({ title: 'Again', state: 'open' })
    expect(ticket().events.map(({ event_action }) => event_action)).toEqual(['trigger', 'trigger'])
  })

  test('is resolved by a close, which passes if there is none', async () => {
    expect(await close()).toMatchObject({ result: 'pass', data: { id: keyOf(9), state: 'closed' } })
    expect(ticket().status).toBe('resolved')
    expect(await close()).toMatchObject({ result: 'pass' })
    expect(ticket().events).toHaveLength(2)
  })
})
