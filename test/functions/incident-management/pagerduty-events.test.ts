import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { pagerdutyEvents } from '../../../functions/incident-management/providers/pagerduty-events.ts'
import { type PagerDutyEventsServer, startPagerDutyEvents } from '../../../infra/platforms/pagerduty-events.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { connect } from '../../../shared/providers/connect.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { redactDeep } from '../../../shared/redact.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'

let server: PagerDutyEventsServer
beforeEach(async () => {
  server = await startPagerDutyEvents()
})
afterEach(() => server.close())

type Options = Parameters<typeof clientOf>[2] & { connection?: object }

const values = (more: object = {}) =>
  pagerdutyEvents.connection.parse({ baseUrl: server.url, token: server.token, ...more })
const client = ({ connection, ...options }: Options = {}) => clientOf(pagerdutyEvents, values(connection), options)
const alert = (at = 0) => {
  const found = server.state.alerts[at]
  if (!found) throw new Error(`There is no alert ${at}`)
  return found
}
const problem = { title: 'Checkout fails', description: 'Since 14:03.' }
const open = (input = {}, options?: Options) =>
  openTicket.run(pagerdutyEvents, client(options), { ...problem, ...input })
const update = (input: object, options?: Options) =>
  updateTicket.run(pagerdutyEvents, client(options), { id: keyOf(9), ...input })
const close = (options?: Options) => closeTicket.run(pagerdutyEvents, client(options), { id: keyOf(9) })
const check = (input: object) => pagerdutyEvents.checkInput?.(input)

describe('the connection', () => {
  test('is checked with an event that changes nothing', async () => {
    await open()
    await pagerdutyEvents.check(client())
    expect(server.calls.at(-1)?.body).toMatchObject({ event_action: 'resolve', routing_key: server.token })
    expect(alert().status).toBe('triggered')
  })

  test('goes to PagerDuty unless it says where', () => {
    expect(pagerdutyEvents.connection.parse({ token: 'a-token' }).baseUrl).toBe('https://events.pagerduty.com')
  })

  test('says that a key is wrong, and not which', async () => {
    const token = 'f'.repeat(32)
    const failure = await failureOf(pagerdutyEvents.check(client({ connection: { token } })).then())
    expect(failure).toMatchObject({ kind: 'credentials', message: expect.stringContaining('Invalid routing key') })
    expect(failure.message).not.toContain(token)
  })

  test('shows its key neither in a dry run nor where it is repeated', async () => {
    expect(secretsIn(pagerdutyEvents.connection, values())).toEqual([server.token])
    client()
    const seen: unknown[] = []
    const connection = { name: 'test', provider: pagerdutyEvents, values: values() }
    const rehearsing = connect(connection as never, {
      idempotencyKey: keyOf(1),
      isRetry: false,
      deadlineAt: Date.now() + 5_000,
      intercept: (request) => void seen.push(redactDeep(request)),
    })
    await openTicket.run(pagerdutyEvents, rehearsing, problem)
    expect(JSON.stringify(seen)).toContain('\\"routing_key\\":\\"***\\"')
    expect(JSON.stringify(seen)).not.toContain(server.token)
  })
})

describe('open', () => {
  test('triggers an alert under the key of the call, and claims no more than was sent', async () => {
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

  test('answers the key that PagerDuty made where the call has none', async () => {
    expect(await open({}, { key: undefined })).toMatchObject({ data: { id: 'made-up-0' } })
  })

  test('sends all it is given, and what only PagerDuty knows', async () => {
    const fields = {
      images: [{ src: 'https://x/y.png' }],
      payload: { component: 'mysql', source: 'prod-1' },
      routing_key: 'other',
    }
    await open({ type: 'disk', labels: ['eu'], priority: 'high', urgency: 'low', severity: 'warning', fields })
    expect(alert().events[0]).toMatchObject({
      routing_key: server.token,
      images: [{ src: 'https://x/y.png' }],
      payload: {
        severity: 'warning',
        source: 'prod-1',
        component: 'mysql',
        class: 'disk',
        custom_details: { labels: ['eu'], priority: 'high', urgency: 'low', description: 'Since 14:03.' },
      },
    })
  })

  test('links to the problem, where the description has its link on a line of its own', async () => {
    await open({ description: 'Checkout fails\n\nhttps://example.com/problem/1' }, { connection: { source: 'shop' } })
    await open({ description: 'See https://example.com\nhttps://example.com for more' }, { key: keyOf(2) })
    expect(alert(0).events[0]).toMatchObject({
      client_url: 'https://example.com/problem/1',
      links: [{ href: 'https://example.com/problem/1', text: 'The problem' }],
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
  ])('takes the severity of %j to be %s', async (input, severity) => {
    await open(input)
    expect(alert().events[0]).toMatchObject({ payload: { severity } })
  })

  test('writes the title on one line, and where it is too long, whole among the details', async () => {
    const title = `Checkout\n${'x'.repeat(1_100)}`
    await open({ title })
    expect(alert().events[0]).toMatchObject({
      payload: { summary: `Checkout ${'x'.repeat(1_014)}…`, custom_details: { title } },
    })
  })

  test('says in the words of PagerDuty why it is refused', async () => {
    const failure = await failureOf(open({ severity: 'SEV-1' }))
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toContain("400 to POST /v2/enqueue: Event object is invalid; 'payload.severity' is invalid")
  })

  test('makes one alert of a repeat, also where the answer was lost', async () => {
    server.loseNext('POST')
    expect(await failureOf(open())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    await open({}, { isRetry: true })
    expect(server.state.alerts).toHaveLength(1)
    await open({}, { key: keyOf(2) })
    expect(server.state.alerts).toHaveLength(2)
  })
})

describe('an input', () => {
  test.each(['comment', 'assignee', 'resolution'])(
    'with %s is refused, and the provider named that has it',
    (field) => {
      expect(() => check({ id: 'x', title: 'x', [field]: 'x' })).toThrow(
        `input.${field} is of no use to an alert: only a connection of the provider pagerduty has it`,
      )
    },
  )

  test('that changes more than the state needs a title', () => {
    for (const input of [{ description: 'x' }, { labels: ['x'] }, { severity: 'low' }, { state: 'open' }]) {
      expect(() => check({ id: 'x', ...input })).toThrow('input.title is missing')
      expect(check({ id: 'x', title: 'x', ...input })).toBeUndefined()
    }
    expect(check({ description: 'x' })).toBeUndefined()
    for (const state of ['acknowledged', 'closed', 'Resolved']) expect(check({ id: 'x', state })).toBeUndefined()
  })

  test('has the states of an alert', () => {
    expect(() => check({ id: 'x', state: 'on hold' })).toThrow('write open, acknowledged or closed')
  })

  test('names an alert by any key that has no space around it', () => {
    expect(pagerdutyEvents.checkRef?.({ id: 'srv01/mysql', project: undefined })).toBeUndefined()
    expect(() => pagerdutyEvents.checkRef?.({ id: ' x', project: undefined })).toThrow('input.id is no alert')
  })

  test('that carries a comment past all checks is refused too', async () => {
    expect(await failureOf(update({ comment: 'x' }))).toMatchObject({ kind: 'invalid' })
    expect(server.calls).toEqual([])
  })
})

describe('update', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('triggers the alert anew', async () => {
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

  test('opens with a title', async () => {
    await update({ title: 'Again', state: 'open' })
    expect(alert().events.map(({ event_action }) => event_action)).toEqual(['trigger', 'trigger'])
  })
})

describe('close', () => {
  test('resolves the alert, and passes where there is none any more, as PagerDuty does', async () => {
    await open({}, { key: keyOf(9) })
    expect(await close()).toMatchObject({ result: 'pass', data: { id: keyOf(9), state: 'closed' } })
    expect(alert().status).toBe('resolved')
    expect(await close()).toMatchObject({ result: 'pass' })
    expect(alert().events).toHaveLength(2)
  })
})

describe('where PagerDuty fails', () => {
  const actions = { open: () => open(), update: () => update({ title: 'x' }), close: () => close() }

  for (const [name, act] of Object.entries(actions)) {
    test(`${name} can be tried again after a 5xx`, async () => {
      server.failNext(500, { status: 'error', message: 'Internal error' })
      expect(await failureOf(act())).toMatchObject({
        kind: 'platform',
        message: expect.stringContaining('Internal error'),
      })
    })

    test(`${name} can be tried again after a connection that breaks`, async () => {
      server.down()
      expect(await failureOf(act())).toMatchObject({ kind: 'platform', transient: true })
    })

    test(`${name} can be tried again where too much comes in, and knows that nothing was taken`, async () => {
      server.failNext(429, {
        status: 'throttle exceeded',
        message: 'Requests for this service are arriving too quickly.',
      })
      const failure = await failureOf(act())
      expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false, retryAfter: undefined })
      expect(failure.message).toContain('arriving too quickly')
    })

    test(`${name} takes nothing for done that PagerDuty does not call a success`, async () => {
      server.failNext(200, { status: 'queued' })
      expect(await failureOf(act())).toMatchObject({ kind: 'platform' })
    })

    test(`${name} leaves no secret in what it says`, async () => {
      server.failNext(400, { status: 'invalid event', message: `no ${server.token}` })
      expect((await failureOf(act())).message).toContain('no ***')
    })
  }

  test('it may be asked again when it says so', async () => {
    server.failNext(429, { status: 'throttle exceeded' }, { headers: { 'retry-after': '30' } })
    expect(await failureOf(open())).toMatchObject({ retryAfter: 30 })
  })

  test('it is not waited for longer than there is time', async () => {
    server.hang()
    expect(await failureOf(open({}, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
  })
})
