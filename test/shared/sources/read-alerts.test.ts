import { describe, expect, it, test } from '@jest/globals'
import { jmespathProblem } from '../../../shared/jmespath-problem.ts'
import { readAlerts } from '../../../shared/sources/alerts.ts'
import { loadSourceType, type SourceTypeName, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { readEvent } from '../../../shared/sources/read-notification.ts'
import { TYPES_WITH_ALERTS } from '../../../shared/sources/rules.ts'
import { type AlertRow, changedAlerts, expectedAlerts } from './expected-alerts.ts'
import { load, type Recorded, recorded } from './recorded.ts'

async function read({ type, headers, body }: Recorded) {
  return readAlerts(await loadSourceType(type), await readEvent({ type }, headers, body))
}

/** Returns the alerts that have started or ended. */
async function rowsOf(request: Recorded): Promise<AlertRow[]> {
  const { alerts, unusable } = await read(request)
  expect(unusable.filter(({ state }) => state !== undefined)).toEqual([])
  return alerts.flatMap(({ state, key, at }): AlertRow[] => {
    if (state === undefined) return []
    return [at === undefined ? [state, key] : [state, key, new Date(at).toISOString()]]
  })
}

async function typesWithAlerts(): Promise<SourceTypeName[]> {
  const types = await Promise.all(sourceTypeNames.map(async (name) => ({ name, ...(await loadSourceType(name)) })))
  return types.filter(({ alerts }) => alerts !== undefined).map(({ name }) => name)
}

describe('The alerts', () => {
  it.each(Object.entries(expectedAlerts))('in %s are understood', async (file, rows) => {
    expect(await rowsOf(load(file))).toEqual(rows)
  })

  it.each(changedAlerts)('of %s are understood', async (_name, request, rows) => {
    expect(await rowsOf(request)).toEqual(rows)
  })

  test('of each sender start and end in a test', async () => {
    const requests = Object.entries(expectedAlerts).map(([file, rows]) => ({ type: file.split('/')[0], rows }))
    const tested = [...requests, ...changedAlerts.map(([, { type }, rows]) => ({ type, rows }))]
    const states = (name: string) =>
      new Set(tested.filter(({ type }) => type === name).flatMap(({ rows }) => rows.map(([state]) => state)))
    for (const name of await typesWithAlerts()) expect([name, states(name).size]).toEqual([name, 2])
  })

  test('are known to the rules', async () => {
    expect(await typesWithAlerts()).toEqual(TYPES_WITH_ALERTS)
  })

  test('have expressions that can be read', async () => {
    for (const name of await typesWithAlerts()) {
      const { alerts } = await loadSourceType(name)
      for (const expression of Object.values<string>({ ...alerts })) expect(jmespathProblem(expression)).toBeUndefined()
    }
  })

  test('of a body without fields have no state', async () => {
    for (const name of await typesWithAlerts()) {
      const type = await loadSourceType(name)
      const { alerts } = await readAlerts(type, {
        kind: 'ignored',
        event: 'unknown',
        runs: [],
        content: {},
        headers: {},
      })
      expect([name, alerts.filter(({ state }) => state !== undefined)]).toEqual([name, []])
    }
  })
})

describe('A body with placeholders that the sender has not replaced', () => {
  it.each([
    ['datadog', { cycle: '$ALERT_CYCLE_KEY', transition: 'Triggered' }],
    ['dynatrace', { pid: '{PID}', state: 'OPEN' }],
    ['new-relic', { id: '{{ json issueId }}', state: 'ACTIVATED' }],
    ['zabbix', { event: '{EVENT.ID}', problem: '1', update: '0' }],
    ['zabbix', { event: '*UNKNOWN*', problem: '1', update: '0' }],
  ] as const)('of %s has a problem: %j', async (type, body) => {
    expect(await read({ type, headers: {}, body })).toEqual({
      alerts: [],
      unusable: [
        { index: 0, state: 'firing', data: expect.anything(), problem: expect.stringContaining('Placeholders') },
      ],
    })
  })
})

describe('The payload to enter at', () => {
  it.each(['datadog/triggered', 'dynatrace/open', 'new-relic/activated'])(
    '%s has the fields of the body',
    async (file) => {
      const { type, body } = load(file)
      const { setup } = await loadSourceType(type)
      const template = setup.map(String).find((step) => /^.*payload.*:\n/i.test(step)) ?? ''
      const fields = [...template.matchAll(/"(\w+)": /g)].map(([, name]) => name)
      expect(fields).toEqual(Object.keys(body))
    },
  )
})

describe('The content for rules', () => {
  test('of Uptime Kuma does not contain the credentials of a monitor', async () => {
    const { content } = await readEvent({ type: 'uptime-kuma' }, {}, load('uptime-kuma/down').body)
    expect(JSON.stringify(content)).not.toContain('not-a-')
    expect(content).toMatchObject({
      monitor: { name: 'Checkout', url: 'https://checkout.example.com/', tags: [{ name: 'team', value: 'shop' }] },
    })
  })

  test('of SNS is the message, without the URL that ends the subscription', async () => {
    for (const [file, expected] of [
      ['aws-sns/alarm', { AlarmName: 'ServerCpuTooHigh' }],
      ['aws-sns/Notification', { Subject: 'My First Message', Message: 'Hello world!' }],
    ] as const) {
      const { content } = await readEvent({ type: 'aws-sns' }, {}, load(file).body)
      expect(content).toMatchObject(expected)
      expect(JSON.stringify(content)).not.toContain('Unsubscribe')
    }
  })

  test('of CloudEvents is the same in both modes', async () => {
    const contents = await Promise.all(
      ['cloudevents/structured', 'cloudevents/binary'].map(async (file) => {
        const { type, headers, body } = load(file)
        return (await readEvent({ type }, headers, body)).content
      }),
    )
    const { datacontenttype, ...structured } = contents[0] ?? {}
    expect(contents[1]).toEqual({ ...structured, source: '/orders/checkout new' })
    expect(datacontenttype).toBe('application/json')
  })
})

test('A CloudEvent without an id is refused', async () => {
  const { headers, body } = load('cloudevents/structured')
  const refused = (changes: object, sent: Record<string, string>) =>
    expect(readEvent({ type: 'cloudevents' }, sent, { ...body, ...changes })).rejects
  await refused({ id: undefined }, headers).toMatchObject({
    kind: 'invalid',
    message: expect.stringContaining('body.id'),
  })
  await refused({}, {}).toMatchObject({ kind: 'invalid', message: expect.stringContaining('headers.id') })
})

test('Each recorded body of a sender of alerts has expected alerts', async () => {
  const senders: string[] = (await typesWithAlerts()).filter(
    (name) => !['eventbridge', 'github', 'gitlab', 'pagerduty'].includes(name),
  )
  const missing = recorded.filter((file) => senders.includes(file.split('/')[0] ?? '') && !(file in expectedAlerts))
  expect(missing).toEqual([])
})
