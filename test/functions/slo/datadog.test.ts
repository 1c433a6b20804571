import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { datadog } from '../../../functions/slo/providers/datadog.ts'
import {
  apiKey,
  applicationKey,
  availability,
  type DatadogServer,
  startDatadog,
} from '../../../infra/platforms/datadog.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { clientOf, failureOf } from '../helpers.ts'
import { evaluate } from './drive.ts'

let server: DatadogServer
beforeEach(async () => {
  server = await startDatadog()
})
afterEach(() => server.close())

const time = { start: '2025-11-24T10:00:00Z', end: '2025-11-24T10:05:00Z' }
const connection = (fields: object = {}) => ({ baseUrl: server.url, apiKey, applicationKey, ...fields })
const ask = (input: object = {}, fields: object = {}) =>
  evaluate(datadog, connection(fields), { slo: availability, ...time, ...input })
const first = () => {
  const [slo] = server.state.slos
  if (!slo) throw new Error('There is no SLO')
  return slo
}
const histories = () => server.calls.filter(({ path }) => path.endsWith('/history'))
const client = (fields: object = {}) => clientOf(datadog, datadog.connection.parse(connection(fields)))

describe('the connection', () => {
  test('is checked by a list of one SLO, with both keys', async () => {
    await datadog.check(client())
    expect(server.calls).toMatchObject([
      { method: 'GET', path: '/api/v1/slo', headers: { 'dd-api-key': apiKey, 'dd-application-key': applicationKey } },
    ])
    expect(server.calls[0]?.query.get('limit')).toBe('1')
  })

  test.each([
    ['API key', { apiKey: 'no-such-key' }],
    ['application key', { applicationKey: 'no-such-key' }],
  ])('whose %s is not known is told so', async (_what, fields) => {
    expect(await failureOf(datadog.check(client(fields)))).toMatchObject({ kind: 'credentials' })
  })

  test('whose application key lacks a right is told which answer that was', async () => {
    server.state.applicationKeys = { [applicationKey]: [] }
    const failure = await failureOf(datadog.check(client()))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Failed permission authorization checks')
  })

  test.each([
    [{}, 'https://api.datadoghq.com'],
    [{ site: 'us3.datadoghq.com' }, 'https://api.us3.datadoghq.com'],
    [{ site: 'datadoghq.eu' }, 'https://api.datadoghq.eu'],
    [{ site: 'datadoghq.eu', baseUrl: 'https://proxy.example.com' }, 'https://proxy.example.com'],
  ])('of %j calls %s', (fields, expected) => {
    expect(datadog.baseUrl(datadog.connection.parse({ apiKey, applicationKey, ...fields }))).toBe(expected)
  })

  test('knows no host that is none of Datadog', () => {
    expect(datadog.connection.safeParse({ apiKey, applicationKey, site: 'evil.example.com' }).success).toBe(false)
  })

  test('holds two secrets', () => {
    const parsed = datadog.connection.parse(connection())
    expect(secretsIn(datadog.connection, parsed)).toEqual([apiKey, applicationKey])
  })
})

describe('an SLO', () => {
  test.each([
    [100, 'pass'],
    [98, 'pass'],
    [97.99, 'warning'],
    [95, 'warning'],
    [94.99, 'fail'],
    [0, 'fail'],
  ])('of 95 with a warning below 98 that is at %d ends with %s', async (value, result) => {
    first().value = value
    expect(await ask()).toMatchObject({
      status: 'succeeded',
      result,
      data: {
        indicatorResults: [
          {
            displayName: availability,
            status: result,
            value: { metric: availability, value, success: true },
            passTargets: [{ criteria: '>=98', targetValue: 98, violated: value < 98 }],
            warningTargets: [{ criteria: '>=95', targetValue: 95, violated: value < 95 }],
          },
        ],
      },
    })
  })

  test.each([
    [95, 'pass'],
    [94.99, 'fail'],
  ])('of 95 alone that is at %d ends with %s', async (value, result) => {
    first().value = value
    first().thresholds = [{ timeframe: '7d', target: 95 }]
    const { data } = await ask()
    expect(data).toMatchObject({
      result,
      indicatorResults: [{ passTargets: [{ criteria: '>=95' }], warningTargets: [] }],
    })
  })

  test('is measured over the time that was asked for, in seconds, and held against its own target', async () => {
    const { data, links } = await ask()
    expect(server.calls.map(({ path }) => path)).toEqual([
      `/api/v1/slo/${availability}`,
      `/api/v1/slo/${availability}/history`,
    ])
    expect(Object.fromEntries(histories()[0]?.query ?? [])).toEqual({
      from_ts: '1763978400',
      to_ts: '1763978700',
      target: '95',
    })
    expect(data).toMatchObject({ score: 100, timeStart: time.start, timeEnd: time.end, errorBudget: 90 })
    expect(links).toEqual({ 'datadog slo': `https://app.datadoghq.com/slo?slo_id=${availability}` })
  })

  test('that has overdrawn its error budget says so', async () => {
    first().value = 90
    expect((await ask()).data).toMatchObject({ result: 'fail', errorBudget: -100 })
  })

  test.each([
    ['datadoghq.eu', 'https://app.datadoghq.eu/slo'],
    ['us5.datadoghq.com', 'https://us5.datadoghq.com/slo'],
    ['ddog-gov.com', 'https://app.ddog-gov.com/slo'],
    ['us2.ddog-gov.com', 'https://us2.ddog-gov.com/slo'],
  ])('of %s is seen at %s', async (site, start) => {
    const { data } = await ask({}, { site })
    expect(data['url']).toBe(`${start}?slo_id=${availability}`)
  })

  test('is held against the target of its own timeframe', async () => {
    first().thresholds = [
      { timeframe: '30d', target: 99.9 },
      { timeframe: '7d', target: 95 },
    ]
    expect((await ask()).data).toMatchObject({ result: 'pass' })
    delete first().timeframe
    expect((await ask()).data).toMatchObject({ result: 'fail' })
  })

  test('is held against thresholds of the caller where there are any', async () => {
    const input = {
      queries: { availability },
      slo: undefined,
      thresholds: [{ metric: 'availability', op: '>=', value: 99.9 }],
    }
    const outcome = await ask(input)
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data: { errorBudget: 90 } })
    expect(outcome.message).toContain('availability is 99.5, not >=99.9')
  })

  test('may be one of many, each asked for once', async () => {
    const [slo] = server.state.slos
    const ids = Array.from({ length: 12 }, (_, at) => at.toString(16).padStart(32, '0'))
    server.state.slos = ids.map((id, at) => ({
      ...(slo as NonNullable<typeof slo>),
      id,
      name: `slo ${at}`,
      value: 99 - at,
    }))
    const queries = Object.fromEntries(ids.map((id, at) => [`slo-${at}`, id]))
    const { data } = await ask({ slo: undefined, queries })
    expect(data).toMatchObject({ result: 'fail', errorBudget: -140 })
    expect((data['indicatorResults'] as { value: { value: number } }[]).map(({ value }) => value.value)).toEqual(
      ids.map((_, at) => 99 - at),
    )
    expect(server.calls).toHaveLength(24)
  })
})

describe('a name', () => {
  test('is looked up, and is the whole name', async () => {
    server.state.slos.unshift({ ...first(), id: 'f'.repeat(32), name: 'Checkout availability (old)', value: 1 })
    const outcome = await ask({ slo: 'Checkout availability' })
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/slo', `/api/v1/slo/${availability}/history`])
    expect(server.calls[0]?.query.get('query')).toBe('Checkout availability')
  })

  test.each([
    ['that is not there', 'Cart', 'The query of Cart: Datadog has no SLO of the name or id "Cart".'],
    ['of another case', 'checkout availability', 'Datadog has no SLO of the name or id'],
    ['that would be a path', '../../events', 'Datadog has no SLO of the name or id "../../events".'],
  ])('%s is refused', async (_what, slo, message) => {
    const failure = await failureOf(ask({ slo }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain(message)
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/slo'])
  })

  test('of two SLOs is refused, with their ids', async () => {
    server.state.slos.push({ ...first(), id: 'f'.repeat(32) })
    const failure = await failureOf(ask({ slo: 'Checkout availability' }))
    expect(failure.message).toContain(`write the id of one (${availability}, ${'f'.repeat(32)})`)
  })
})

describe('data that is missing', () => {
  const zero = { error_type: 'ZERO_VALUED_DENOMINATOR', error_message: 'The denominator is zero valued' }

  test('is no verdict, and says why', async () => {
    Object.assign(first(), { value: null, errors: [zero] })
    const outcome = await ask()
    expect(outcome).toMatchObject({ status: 'errored', result: 'fail' })
    expect(outcome.message).toContain(`no data, or not all, of ${availability} (The denominator is zero valued)`)
  })

  test('is a warning where the connection says so', async () => {
    first().value = null
    const outcome = await ask({}, { noData: 'warning' })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'warning' })
    expect(outcome.message).toContain('there is no data of this time')
  })

  test.each([
    ['of a part', { failures: [{ error: 'one monitor is unavailable' }] }, 'one monitor is unavailable'],
    ['of the history', { errors: [{ error_type: 'NO_DATA', error_message: '' }] }, 'NO_DATA'],
    ['until it is made anew', { preview: true }, 'it is preliminary'],
  ])('%s makes a value that is no pass', async (_what, more, reason) => {
    Object.assign(first(), more)
    const outcome = await ask()
    expect(outcome).toMatchObject({ status: 'errored', result: 'fail' })
    expect(outcome.message).toContain(reason)
    expect(await ask({}, { noData: 'warning' })).toMatchObject({ status: 'succeeded', result: 'warning' })
  })

  test('of which the reason is cut within a secret shows nothing of the secret', async () => {
    registerSecret('cut-in-the-middle-0123456789')
    Object.assign(first(), { failures: [{ error: `${'x'.repeat(285)} cut-in-the-middle-0123456789` }] })
    const { message } = await ask()
    expect(message).toContain('xxx')
    expect(message).not.toContain('cut-in')
  })

  test('altogether, with an error in an answer of success, is no verdict', async () => {
    server.failNext(200, { data: { id: availability, name: 'x', thresholds: [{ timeframe: '7d', target: 95 }] } })
    server.failNext(200, { errors: [{ error: 'query timed out' }], data: null })
    const outcome = await ask()
    expect(outcome).toMatchObject({ status: 'errored' })
    expect(outcome.message).toContain('query timed out')
  })

  test('of a target is refused', async () => {
    first().thresholds = []
    expect((await failureOf(ask())).message).toContain('The SLO "Checkout availability" has no target')
  })
})

describe('what Datadog refuses', () => {
  test('reaches the caller, with the query that it is about', async () => {
    const failure = await failureOf(ask({ slo: undefined, queries: { errors: 'a'.repeat(32) } }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('The query of errors: Datadog answered 404')
    expect(failure.message).toContain(`SLO not found: ${'a'.repeat(32)}`)
  })

  test('for its limits is tried again when they are over', async () => {
    server.failNext(
      429,
      { errors: ['Rate limited'] },
      { headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '17' } },
    )
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform', retryAfter: 17 })
  })

  test('never shows a key', async () => {
    server.failNext(400, { errors: [`bad keys ${apiKey} ${applicationKey}`] })
    expect((await failureOf(ask())).message).toContain('bad keys *** ***')
  })
})

describe('a Datadog that fails', () => {
  test.each([500, 503])('with %d is tried again', async (status) => {
    server.failNext(status)
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform' })
  })

  test('by breaking off is tried again', async () => {
    server.down()
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform' })
  })

  test('by not answering is tried again', async () => {
    server.hang()
    const failure = await failureOf(evaluate(datadog, connection(), { slo: availability, ...time }, { deadline: 100 }))
    expect(failure).toMatchObject({ kind: 'timeout' })
  })

  test('by answering something else is told so', async () => {
    server.failNext(200, { data: [] })
    expect((await failureOf(ask())).message).toContain('something else than expected')
  })
})
