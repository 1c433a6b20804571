import { describe, expect, test } from '@jest/globals'
import { datadogEvent } from '../../../../functions/slo/datadog-event/datadog-event.ts'
import { apiKey, applicationKey, startDatadog } from '../../../platforms/datadog.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { evaluated } from '../drive.ts'
import { playReports } from '../play.ts'

const posts = () => server.calls.filter(({ method }) => method === 'POST')
const sent = () => posts()[0]?.body as { title: string; text: string; tags: string[] } & Record<string, unknown>
const id = '6327818702635911562'
const url = `https://app.datadoghq.com/event/event?id=${id}`

const { server, push } = playReports(datadogEvent, {
  start: startDatadog,
  connection: ({ url }) => ({ baseUrl: url, apiKey, applicationKey }),
  visible: ({ state }) => state.events.length,
  result: ({ state }) => state.events.at(-1)?.alert_type,
  refusal: (reason) => ({ errors: [reason] }),
  results: [
    { result: 'pass', status: 'succeeded', shown: 'success' },
    { result: 'warning', status: 'succeeded', shown: 'warning' },
    { result: 'fail', status: 'succeeded', shown: 'error' },
  ],
})

describe('Datadog event: an evaluation', () => {
  test('becomes an event with its objectives', async () => {
    const data = { evaluation: { ...evaluated, timeEnd: '2020-11-24T10:05:00Z' } }
    const expected = { status: 'succeeded', result: 'pass', data: { id, url }, links: { 'datadog report': url } }
    expect(await push({ data })).toMatchObject(expected)
    const { title, text, ...others } = sent()
    expect(title).toContain('score 75')
    expect(text).toContain('Response time p95')
    expect(text).toContain('error_rate')
    expect(text).toContain('https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e')
    expect(others).toEqual({
      tags: ['project:shop', 'stage:production', 'service:checkout', 'task:evaluation', 'result:warning', 'team:shop'],
      alert_type: 'warning',
      aggregation_key: keyOf(1),
    })
  })

  test.each([
    ['', 'Z'],
    [', which Keptn writes without a zone', ''],
  ])('has the time of its end%s', async (_what, zone) => {
    const end = Date.now() - 3_600_000
    const timeEnd = new Date(end).toISOString().replace('Z', zone)
    await push({ data: { evaluation: { ...evaluated, timeEnd } } })
    expect(sent()['date_happened']).toBe(Math.floor(end / 1_000))
  })

  test.each([
    ['is too old', new Date(Date.now() - 20 * 3_600_000).toISOString()],
    ['is in the future', new Date(Date.now() + 3_600_000).toISOString()],
    ['is not a time', 'yesterday'],
    ['is not text', { at: 1 }],
  ])('whose end %s has the current time', async (_what, timeEnd) => {
    await push({ data: { evaluation: { ...evaluated, timeEnd } } })
    expect(sent()).not.toHaveProperty('date_happened')
    expect(server.state.events).toHaveLength(1)
  })

  test('has the tags of the connection first, and ignores labels with a reserved name', async () => {
    const labels = { Service: 'cart', 'build no': '7 / b', '1st': 'x', team: 'shop' }
    await push({ connection: { tags: 'env:production, Owner:Shop Team' }, data: { labels } })
    expect(sent().tags).toEqual([
      'env:production',
      'owner:shop_team',
      'project:shop',
      'stage:production',
      'service:checkout',
      'task:evaluation',
      'result:warning',
      'build_no:7_/_b',
      'team:shop',
    ])
  })

  test('has at most 100 tags of at most 200 characters', async () => {
    const labels = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`label-${at}`, 'x'.repeat(500)]))
    await push({ data: { labels } })
    expect(sent().tags).toHaveLength(100)
    expect(Math.max(...sent().tags.map((tag) => tag.length))).toBe(200)
  })

  test('fits into an event with any number of objectives', async () => {
    const [one] = evaluated.indicatorResults
    const indicatorResults = Array.from({ length: 200 }, (_, at) => ({
      ...one,
      displayName: `🚀 ${at} ${'ü'.repeat(100)}`,
    }))
    await push({ data: { service: 's'.repeat(200), evaluation: { ...evaluated, indicatorResults } } })
    expect(sent().title.length).toBeLessThanOrEqual(100)
    expect(sent().text.length).toBeLessThanOrEqual(4_000)
    expect(sent().text).toMatch(/and \d+ more/)
  })

  test('cannot start Markdown or mention a person', async () => {
    const [one] = evaluated.indicatorResults
    const indicatorResults = [{ ...one, displayName: '%%% \n # Oh %%% @all @jane@example.com' }]
    await push({ data: { evaluation: { ...evaluated, indicatorResults } } })
    expect(sent().text).not.toContain('%%%')
    expect(sent().text).not.toMatch(/(?:^|\s)@\w/)
    expect(sent().text).toContain('＠all')
  })
})

describe('Datadog event: a retry', () => {
  test('finds an event that has a time some hours ago', async () => {
    const timeEnd = new Date(Date.now() - 16 * 3_600_000).toISOString()
    const data = { evaluation: { ...evaluated, timeEnd } }
    await push({ data })
    const message = expect.stringContaining('which already exists')
    expect(await push({ data, isRetry: true })).toMatchObject({ result: 'pass', message, data: { id, url } })
    expect(posts()).toHaveLength(1)
  })

  test('finds an event of several days ago', async () => {
    await push()
    Object.assign(server.state.events[0] ?? {}, { date_happened: Date.now() / 1_000 - 7 * 24 * 3_600 })
    await push({ isRetry: true })
    expect(posts()).toHaveLength(1)
  })

  test('without an application key posts the event again with the same aggregation key', async () => {
    for (const isRetry of [false, true]) await push({ connection: { applicationKey: undefined }, isRetry })
    expect(server.calls.map(({ method }) => method)).toEqual(['POST', 'POST'])
    expect(new Set(server.state.events.map((event) => event.aggregation_key))).toEqual(new Set([keyOf(1)]))
  })

  test('fails if the application key cannot read events', async () => {
    server.state.applicationKeys = { [applicationKey]: ['slos_read'] }
    const words = 'Failed permission authorization checks'
    await expectFailure(push({ isRetry: true }), 'refused', words)
  })
})

test('Datadog event: a refusal in a 200 response shows the status', async () => {
  server.state.status = 'invalid'
  await expectFailure(push(), 'refused', 'did not accept the event: invalid')
})
