import { describe, expect, it, test } from '@jest/globals'
import { readAlerts } from '../../../shared/sources/alerts.ts'
import type { Notification } from '../../../shared/sources/read-notification.ts'
import type { Alerts, HeaderNames, SourceType } from '../../../shared/sources/source-type.ts'

const inList: Alerts = {
  each: 'alerts',
  firing: "status == 'firing'",
  resolved: "status == 'resolved'",
  key: 'id',
  at: 'time',
  test: "name == 'test'",
}

function typeWith(alerts?: Alerts): SourceType {
  return { title: 'A Sender', setup: [], token: ['bearer', 'x-token'], ...(alerts ? { alerts } : {}), read: never }
}

async function never(): Promise<never> {
  throw new Error('The notification is read already.')
}

function read(
  alerts: Alerts | undefined,
  content: object,
  changes: Partial<Notification> = {},
  headers: HeaderNames = {},
) {
  const notification: Notification = { kind: 'ignored', event: 'alert', runs: [], content: { ...content }, headers }
  return readAlerts(typeWith(alerts), { ...notification, ...changes })
}

/** Reads a body with one alert. */
async function readOne(element: object) {
  const { alerts, unusable } = await read(inList, { alerts: [{ status: 'firing', id: 'a', ...element }] })
  return alerts[0] ?? unusable[0]
}

describe('Alerts in a list', () => {
  test('are read with their states and keys', async () => {
    const alerts = [
      { status: 'firing', id: 'a', time: '2026-11-30T10:00:00Z' },
      { status: 'resolved', id: 7, time: 1_785_000_000 },
      { status: 'pending', id: 'c' },
      { status: 'firing', id: 'd', name: 'test' },
    ]
    const notification = { event: 'alert', delivery: null, headers: {} }
    expect(await read(inList, { alerts })).toEqual({
      alerts: [
        {
          index: 0,
          state: 'firing',
          key: 'a',
          at: Date.parse('2026-11-30T10:00:00Z'),
          data: { ...alerts[0], notification },
        },
        { index: 1, state: 'resolved', key: '7', at: 1_785_000_000_000, data: { ...alerts[1], notification } },
        { index: 2, state: undefined, key: 'c', data: { ...alerts[2], notification } },
      ],
      unusable: [],
    })
  })

  test('are not hidden by those that cannot be used', async () => {
    const alerts = [
      { status: 'firing', id: '' },
      { status: 'firing', id: 'b' },
      'text',
      { status: 'firing', id: 'd', time: 'now' },
    ]
    const { alerts: usable, unusable } = await read(inList, { alerts })
    expect(usable.map(({ key }) => key)).toEqual(['b'])
    expect(unusable).toMatchObject([
      { index: 0, state: 'firing', problem: expect.stringContaining('The key of the alert must be text') },
      { index: 2, problem: 'The alert is not an object.' },
      { index: 3, problem: expect.stringContaining('The time of the alert is neither ISO 8601') },
    ])
  })

  test('are expected', async () => {
    for (const body of [{}, { alerts: null }, { alerts: 'text' }])
      expect(await read(inList, body)).toMatchObject({
        alerts: [],
        unusable: [{ index: 0, problem: 'The alert is not an object.' }],
      })
    expect(await read(inList, { alerts: [] })).toEqual({ alerts: [], unusable: [] })
  })

  test('have a problem without values of the body if an expression fails', async () => {
    const joined = { ...inList, key: "join('/', [id, host])" }
    const { unusable } = await read(joined, { alerts: [{ status: 'firing', id: 'hunter2' }] })
    expect(unusable).toMatchObject([
      { index: 0, problem: expect.stringMatching(/^The alert is not as A Sender sends it: .*"null"\.$/) },
    ])
    expect(unusable[0]?.problem).not.toContain('hunter2')
  })
})

describe('The key of an alert', () => {
  it.each([
    '',
    ' ',
    '$ALERT_CYCLE_KEY',
    '{EVENT.ID}',
    '{{ issueId }}',
    '*UNKNOWN*',
    '*UNKNOWN*/7',
    'x'.repeat(501),
    null,
    true,
    {},
    ['a'],
  ])('must not be %j', async (id) => {
    expect(await readOne({ id })).toMatchObject({ problem: expect.stringContaining('The key of the alert must be') })
  })

  it.each([
    ['x'.repeat(500), 'x'.repeat(500)],
    ['checkout: 500 $ missing', 'checkout: 500 $ missing'],
    [0, '0'],
  ])('may be %j', async (id, key) => {
    expect(await readOne({ id })).toMatchObject({ key })
  })
})

describe('The time of an alert', () => {
  const time = Date.parse('2026-11-30T10:00:00Z')
  it.each([
    ['2026-11-30T10:00:00Z', time],
    ['2026-11-30T11:00:00.500+01:00', time + 500],
    ['2026-11-30T10:00:00.000+0000', time],
    ['2026-11-30T10:00:00.123456789Z', time + 123],
    ['2026-11-30 10:00:00.250', time + 250],
    ['2026-11-30 10:00:00 UTC', time],
    [time / 1_000, time],
    [time / 1_000 + 0.25, time + 250],
    [`${time}`, time],
    [time, time],
  ])('may be %j', async (sent, at) => {
    expect(await readOne({ time: sent })).toMatchObject({ at })
  })

  it.each(['', '$DATE', '7 o’clock', '2026-13-45T10:00:00Z', '0002-01-01T00:00:00Z', -1, {}])(
    'must not be %j',
    async (sent) => {
      expect(await readOne({ time: sent })).toMatchObject({
        problem: expect.stringContaining('The time of the alert is'),
      })
    },
  )

  test('is not needed', async () => {
    for (const time of [null, '0001-01-01T00:00:00Z']) expect(await readOne({ time })).not.toHaveProperty('at')
  })
})

describe('A notification about one alert', () => {
  const one: Alerts = { firing: 'notification.headers."x-event" == \'opened\' && isOpen', key: 'notification.delivery' }

  test('is read with its event, delivery and headers', async () => {
    const sent = { delivery: 'd-1' }
    expect(await read(one, { isOpen: true }, sent, { 'x-event': 'opened', other: undefined })).toEqual({
      alerts: [
        {
          index: 0,
          state: 'firing',
          key: 'd-1',
          data: {
            isOpen: true,
            notification: { event: 'alert', delivery: 'd-1', headers: { 'x-event': 'opened' } },
          },
        },
      ],
      unusable: [],
    })
  })

  test('must fire with true', async () => {
    const { alerts } = await read(one, { isOpen: 'yes' }, {}, { 'x-event': 'opened' })
    expect(alerts).toEqual([])
  })

  test('shows no credentials to rules', async () => {
    const secrets = { authorization: 'Bearer t', cookie: 'c', 'x-token': 't' }
    const { alerts } = await read(undefined, {}, {}, { ...secrets, 'user-agent': 'A' })
    expect(alerts[0]?.data).toEqual({
      notification: { event: 'alert', delivery: null, headers: { 'user-agent': 'A' } },
    })
  })

  test('has no alert if it only tests the URL', async () => {
    for (const alerts of [undefined, one])
      expect(await read(alerts, {}, { kind: 'first-request' })).toEqual({ alerts: [], unusable: [] })
  })
})

describe('A notification of a sender without alerts', () => {
  test('is an alert with the key of its delivery', async () => {
    const { alerts } = await read(undefined, { a: 1 }, { delivery: 'd-1' })
    expect(alerts).toEqual([
      {
        index: 0,
        state: 'firing',
        key: 'd-1',
        data: { a: 1, notification: { event: 'alert', delivery: 'd-1', headers: {} } },
      },
    ])
  })

  test('has a key of its content if the sender sends no delivery', async () => {
    const keyOf = async (content: object) => (await read(undefined, content)).alerts[0]?.key
    const key = await keyOf({ a: 1, b: 2 })
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(await keyOf({ b: 2, a: 1 })).toBe(key)
    expect(await keyOf({ a: 1, b: 3 })).not.toBe(key)
  })
})
