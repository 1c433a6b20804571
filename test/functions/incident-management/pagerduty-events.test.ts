import { beforeEach, describe, expect, test } from '@jest/globals'
import { pagerdutyEvents } from '../../../functions/incident-management/providers/pagerduty-events.ts'
import { startPagerDutyEvents } from '../../../infra/platforms/pagerduty-events.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, keyOf, startEach } from '../helpers.ts'
import { ticketActions } from './tickets.ts'

const server = startEach(startPagerDutyEvents)
const { check, open, update, close } = ticketActions(
  pagerdutyEvents,
  () => ({ baseUrl: server.url, token: server.token }),
  keyOf(9),
)
const alert = (at = 0) => {
  const found = server.state.alerts[at]
  if (!found) throw new Error(`No alert ${at}`)
  return found
}
const checkInput = (input: object) => pagerdutyEvents.checkInput?.(input)

describe('PagerDuty Events: connection', () => {
  test('the connection test sends an event that changes nothing', async () => {
    await open()
    await check()
    expect(server.calls.at(-1)?.body).toMatchObject({ event_action: 'resolve', routing_key: server.token })
    expect(alert().status).toBe('triggered')
  })

  test('defaults to the public API', () => {
    expect(pagerdutyEvents.connection.parse({ token: 'a-token' }).baseUrl).toBe('https://events.pagerduty.com')
  })
})

describe('PagerDuty Events: open', () => {
  test('triggers an alert with the idempotency key and returns what it sent', async () => {
    expect(await open()).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: `Opened alert ${keyOf(1)}`,
      data: { id: keyOf(1), number: keyOf(1), state: 'triggered' },
      links: {},
    })
    expect(alert().events).toEqual([
      {
        routing_key: server.token,
        event_action: 'trigger',
        dedup_key: keyOf(1),
        client: 'cloud-automation-webhooks',
        payload: {
          summary: 'Checkout fails',
          source: 'cloud-automation-webhooks',
          severity: 'error',
          custom_details: { description: 'Since 14:03.' },
        },
      },
    ])
  })

  test('returns the key that PagerDuty generates without an event id', async () => {
    expect(await open({}, { key: undefined })).toMatchObject({ data: { id: 'made-up-0' } })
  })

  test('sends all fields', async () => {
    const images = [{ src: 'https://x/y.png' }]
    const fields = { images, payload: { component: 'mysql', source: 'prod-1' }, routing_key: 'other' }
    await open({ type: 'disk', labels: ['eu'], priority: 'high', urgency: 'low', severity: 'warning', fields })
    expect(alert().events[0]).toMatchObject({
      routing_key: server.token,
      images,
      payload: {
        severity: 'warning',
        source: 'prod-1',
        component: 'mysql',
        class: 'disk',
        custom_details: { labels: ['eu'], priority: 'high', urgency: 'low', description: 'Since 14:03.' },
      },
    })
  })

  test('links to the problem if the description has a line with its link', async () => {
    await open({ description: 'Checkout fails\n\nhttps://example.com/problem/1' }, { connection: { source: 'shop' } })
    await open({ description: 'See https://example.com\nhttps://example.com for more' }, { key: keyOf(2) })
    expect(alert(0).events[0]).toMatchObject({
      client_url: 'https://example.com/problem/1',
      links: [{ href: 'https://example.com/problem/1', text: 'Problem' }],
      payload: { source: 'shop' },
    })
    expect(alert(1).events[0]).not.toHaveProperty('links')
  })

  test.each([
    [{ severity: 'critical' }, 'critical'],
    [{ severity: 'High' }, 'error'],
    [{ urgency: 'medium', priority: 'critical' }, 'warning'],
    [{ priority: 'low' }, 'info'],
    [{}, 'error'],
  ])('derives from %j the severity %s', async (input, severity) => {
    await open(input)
    expect(alert().events[0]).toMatchObject({ payload: { severity } })
  })

  test('reports the message of PagerDuty if it refuses', async () => {
    await expectFailure(
      open({ severity: 'SEV-1' }),
      { kind: 'refused', mayHaveWritten: false },
      "400 to POST /v2/enqueue: Event object is invalid; 'payload.severity' is invalid",
    )
  })
})

describe('PagerDuty Events: input', () => {
  test.each(['comment', 'assignee', 'resolution'])('refuses %s and names the provider that supports it', (field) => {
    expect(() => checkInput({ id: 'x', title: 'x', [field]: 'x' })).toThrow(
      `input.${field} is not supported for alerts. Use a connection with the provider pagerduty`,
    )
  })

  test('requires a title unless it only changes the state', () => {
    for (const input of [{ description: 'x' }, { labels: ['x'] }, { severity: 'low' }, { state: 'open' }]) {
      expect(() => checkInput({ id: 'x', ...input })).toThrow('input.title is missing')
      expect(checkInput({ id: 'x', title: 'x', ...input })).toBeUndefined()
    }
    expect(checkInput({ description: 'x' })).toBeUndefined()
    for (const state of ['acknowledged', 'closed', 'Resolved']) expect(checkInput({ id: 'x', state })).toBeUndefined()
  })

  test('refuses unknown states', () => {
    expect(() => checkInput({ id: 'x', state: 'on hold' })).toThrow('must be open, acknowledged or closed')
  })

  test('accepts any key without surrounding spaces', () => {
    expect(pagerdutyEvents.checkRef?.({ id: 'srv01/mysql', project: undefined })).toBeUndefined()
    expect(() => pagerdutyEvents.checkRef?.({ id: ' x', project: undefined })).toThrow(
      'input.id must be the id that open-ticket returned',
    )
  })

  test('refuses a comment', async () => {
    await expectFailure(update({ comment: 'x' }), 'invalid')
    expect(server.calls).toEqual([])
  })
})

describe('PagerDuty Events: update', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('triggers the alert again', async () => {
    expect(await update({ title: 'All fails', severity: 'critical' })).toMatchObject({
      message: `PagerDuty Events accepted the update of alert ${keyOf(9)}. Its state cannot be read back`,
      data: { id: keyOf(9), number: keyOf(9), state: 'updated' },
    })
    expect(server.state.alerts).toHaveLength(1)
    expect(alert().events[1]).toMatchObject({ payload: { summary: 'All fails', severity: 'critical' } })
  })

  test('acknowledges and resolves', async () => {
    expect(await update({ state: 'Acknowledged' })).toMatchObject({ data: { state: 'Acknowledged' } })
    expect(alert().status).toBe('acknowledged')
    await update({ title: 'Over', state: 'closed' })
    expect(alert()).toMatchObject({ status: 'resolved', events: [{}, {}, { payload: { summary: 'Over' } }, {}] })
  })

  test('triggers the alert again for the state open', async () => {
    await update({ title: 'Again', state: 'open' })
    expect(alert().events.map(({ event_action }) => event_action)).toEqual(['trigger', 'trigger'])
  })
})

describe('PagerDuty Events: close', () => {
  test('resolves the alert, and passes if there is none', async () => {
    await open({}, { key: keyOf(9) })
    expect(await close()).toMatchObject({ result: 'pass', data: { id: keyOf(9), state: 'closed' } })
    expect(alert().status).toBe('resolved')
    expect(await close()).toMatchObject({ result: 'pass' })
    expect(alert().events).toHaveLength(2)
  })
})

test('PagerDuty Events: a 429 response wrote nothing', async () => {
  server.failNext(429, { status: 'throttle exceeded', message: 'Requests for this service are arriving too quickly.' })
  await expectFailure(
    open(),
    { kind: 'platform', transient: true, mayHaveWritten: false, retryAfter: undefined },
    'arriving too quickly',
  )
})

ticketConformance(pagerdutyEvents, ticketPlatforms['incident-management/pagerduty-events'])
