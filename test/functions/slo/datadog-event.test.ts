import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { datadogEvent } from '../../../functions/slo/providers/datadog-event.ts'
import { apiKey, applicationKey, type DatadogServer, startDatadog } from '../../../infra/platforms/datadog.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'
import { evaluated, report } from './drive.ts'

let server: DatadogServer
beforeEach(async () => {
  server = await startDatadog()
})
afterEach(() => server.close())

const connection = (fields: object = {}) => ({ baseUrl: server.url, apiKey, ...fields })
const tell = (fields: object = {}, options: Parameters<typeof report>[3] = {}, input: object = {}) =>
  report(datadogEvent, connection(fields), input, options)
const posts = () => server.calls.filter(({ method }) => method === 'POST')
const sent = () => posts()[0]?.body as { title: string; text: string; tags: string[] } & Record<string, unknown>
const id = '6327818702635911562'
const url = `https://app.datadoghq.com/event/event?id=${id}`
const client = (fields: object = {}) => clientOf(datadogEvent, datadogEvent.connection.parse(connection(fields)))

describe('the connection', () => {
  test('is checked by the API key alone', async () => {
    await datadogEvent.check(client())
    expect(server.calls).toMatchObject([{ method: 'GET', path: '/api/v1/validate', headers: { 'dd-api-key': apiKey } }])
    expect(server.calls[0]?.headers['dd-application-key']).toBeUndefined()
  })

  test('whose API key is not known is told so', async () => {
    expect(await failureOf(datadogEvent.check(client({ apiKey: 'no-such-key' })))).toMatchObject({
      kind: 'credentials',
    })
  })

  test('holds its keys as secrets', () => {
    const parsed = datadogEvent.connection.parse(connection({ applicationKey }))
    expect(secretsIn(datadogEvent.connection, parsed)).toEqual([apiKey, applicationKey])
  })
})

describe('an evaluation', () => {
  test('becomes an event, with its objectives', async () => {
    const data = { evaluation: { ...evaluated, timeEnd: '2020-11-24T10:05:00Z' } }
    expect(await tell({}, { data })).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id, url },
      links: { 'datadog report': url },
    })
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
    ['pass', 'success'],
    ['warning', 'warning'],
    ['fail', 'error'],
  ])('that ended with %s is of the type %s', async (result, type) => {
    await tell({}, { data: { result, evaluation: { ...evaluated, result } } })
    expect(sent()).toMatchObject({ alert_type: type })
  })

  test.each([
    ['', 'Z'],
    [', which Keptn writes without a zone', ''],
  ])('happened when what was evaluated ended%s', async (_what, zone) => {
    const end = Date.now() - 3_600_000
    const timeEnd = new Date(end).toISOString().replace('Z', zone)
    await tell({}, { data: { evaluation: { ...evaluated, timeEnd } } })
    expect(sent()['date_happened']).toBe(Math.floor(end / 1_000))
  })

  test.each([
    ['is older than Datadog takes', new Date(Date.now() - 20 * 3_600_000).toISOString()],
    ['is yet to come', new Date(Date.now() + 3_600_000).toISOString()],
    ['is no time', 'yesterday'],
    ['is no text', { at: 1 }],
  ])('whose end %s happened now', async (_what, timeEnd) => {
    await tell({}, { data: { evaluation: { ...evaluated, timeEnd } } })
    expect(sent()).not.toHaveProperty('date_happened')
    expect(server.state.events).toHaveLength(1)
  })

  test('has the tags of the connection first, and none of a label that would be another', async () => {
    const labels = { Service: 'cart', 'build no': '7 / b', '1st': 'x', team: 'shop' }
    await tell({ tags: 'env:production, Owner:Shop Team' }, { data: { labels } })
    expect(sent().tags).toEqual([
      ...['env:production', 'owner:shop_team'],
      ...['project:shop', 'stage:production', 'service:checkout', 'task:evaluation', 'result:warning'],
      ...['build_no:7_/_b', 'team:shop'],
    ])
  })

  test('has no more tags, and none longer, than are sensible', async () => {
    const labels = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`label-${at}`, 'x'.repeat(500)]))
    await tell({}, { data: { labels } })
    expect(sent().tags).toHaveLength(100)
    expect(Math.max(...sent().tags.map((tag) => tag.length))).toBe(200)
  })

  test('fits into an event, however many objectives it has', async () => {
    const [one] = evaluated.indicatorResults
    const indicatorResults = Array.from({ length: 200 }, (_, at) => ({
      ...one,
      displayName: `🚀 ${at} ${'ü'.repeat(100)}`,
    }))
    await tell({}, { data: { service: 's'.repeat(200), evaluation: { ...evaluated, indicatorResults } } })
    expect(sent().title.length).toBeLessThanOrEqual(100)
    expect(sent().text.length).toBeLessThanOrEqual(4_000)
    expect(sent().text).toMatch(/and \d+ more/)
  })

  test('can neither begin Markdown nor tell a person of it', async () => {
    const [one] = evaluated.indicatorResults
    const indicatorResults = [{ ...one, displayName: '%%% \n # Oh %%% @all @jane@example.com' }]
    await tell({}, { data: { evaluation: { ...evaluated, indicatorResults } } })
    expect(sent().text).not.toContain('%%%')
    expect(sent().text).not.toMatch(/(?:^|\s)@\w/)
    expect(sent().text).toContain('＠all')
  })

  test('without an id of its event has no key', async () => {
    await tell({}, { key: undefined })
    expect(sent()).not.toHaveProperty('aggregation_key')
  })

  test.each(['channel', 'project', 'ref', 'id'])('takes no %s', async (field) => {
    expect(await failureOf((async () => tell({}, {}, { [field]: 'somewhere' }))())).toMatchObject({ kind: 'invalid' })
    expect(server.calls).toEqual([])
  })
})

describe('a repeat', () => {
  test('finds what an earlier try has posted, with an application key', async () => {
    await tell({ applicationKey })
    const again = await tell({ applicationKey }, { isRetry: true })
    expect(again).toMatchObject({ result: 'pass', data: { id, url } })
    expect(again.message).toContain('which is there already')
    expect(posts()).toHaveLength(1)
  })

  test('finds one that happened some hours ago, too', async () => {
    const timeEnd = new Date(Date.now() - 16 * 3_600_000).toISOString()
    const data = { evaluation: { ...evaluated, timeEnd } }
    await tell({ applicationKey }, { data })
    await tell({ applicationKey }, { data, isRetry: true })
    expect(posts()).toHaveLength(1)
  })

  test('posts what no earlier try has posted', async () => {
    await tell({ applicationKey }, { key: keyOf(2) })
    await tell({ applicationKey }, { isRetry: true })
    expect(posts()).toHaveLength(2)
  })

  test('without an application key posts again, under the same key', async () => {
    await tell()
    await tell({}, { isRetry: true })
    expect(server.calls.map(({ method }) => method)).toEqual(['POST', 'POST'])
    expect(new Set(server.state.events.map((event) => event.aggregation_key))).toEqual(new Set([keyOf(1)]))
  })

  test('whose application key may not look is told so', async () => {
    server.state.applicationKeys = { [applicationKey]: ['slos_read'] }
    const failure = await failureOf(tell({ applicationKey }, { isRetry: true }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Failed permission authorization checks')
  })
})

describe('a Datadog that does not take it', () => {
  test('says why', async () => {
    server.failNext(400, { errors: ['Event too far in the past'] })
    const failure = await failureOf(tell())
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Event too far in the past')
  })

  test('though it answers with success is told so', async () => {
    server.state.status = 'invalid'
    const failure = await failureOf(tell())
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('has not taken the event: invalid')
  })

  test('and shows our keys does not make them known', async () => {
    server.failNext(400, { errors: [`bad keys ${apiKey} ${applicationKey}`] })
    expect((await failureOf(tell({ applicationKey }))).message).toContain('bad keys *** ***')
  })

  test('for its limits is asked again when they are over', async () => {
    server.failNext(
      429,
      { errors: ['Rate limited'] },
      { headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' } },
    )
    expect(await failureOf(tell())).toMatchObject({ kind: 'platform', retryAfter: 9 })
  })

  test.each([500, 503])('since it answers %d is asked again', async (status) => {
    server.failNext(status)
    expect(await failureOf(tell())).toMatchObject({ kind: 'platform' })
  })

  test('but breaks off is asked again, as after a write', async () => {
    server.loseNext('POST')
    expect(await failureOf(tell())).toMatchObject({ kind: 'platform', afterWrite: true })
  })

  test('and never answers is asked again', async () => {
    server.hang()
    expect(await failureOf(tell({}, { deadline: 100 }))).toMatchObject({ kind: 'timeout' })
  })
})
