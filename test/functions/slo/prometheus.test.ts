import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { prometheus } from '../../../functions/slo/providers/prometheus.ts'
import {
  type PrometheusServer,
  refusal,
  scalar,
  series,
  startPrometheus,
  vector,
} from '../../../infra/platforms/prometheus.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { evaluationConformance } from '../../conformance/evaluation.ts'
import { clientOf, failureOf } from '../helpers.ts'
import { evaluate } from './drive.ts'

const p95 = 'histogram_quantile(0.95, sum by (le) (rate(request_seconds_bucket[5m])))'
const errors = 'sum(rate(errors_total[5m]))'
const [start, end] = ['2026-11-24T10:00:00Z', '2026-11-24T10:05:00Z']

let server: PrometheusServer

beforeEach(async () => {
  server = await startPrometheus()
  server.answers[p95] = series('0.312')
  server.answers[errors] = scalar('0.5')
})
afterEach(() => server.close())

const thresholds = [{ metric: 'p95', op: '<', value: 0.4 }]
const run = (input: object = { thresholds }, more: object = {}, options: Parameters<typeof evaluate>[3] = {}) => {
  const connection = { baseUrl: server.url, queries: { p95, errors }, ...more }
  return evaluate(prometheus, connection, { start, end, ...input }, options)
}
const evaluateWith = async (answer: PrometheusServer['answers'][string], more: object = {}) => {
  server.answers[p95] = answer
  return run({ thresholds }, more)
}

evaluationConformance(prometheus, {
  async start() {
    const server = await startPrometheus()
    const token = 'a-token-of-a-proxy'
    server.needs['authorization'] = `Bearer ${token}`
    server.answers[p95] = series('0.312')
    const connection = { baseUrl: server.url, token, queries: { p95 } }
    return { server, connection, input: { start, end, thresholds } }
  },
  refusal: (error) => ({ status: 'error', errorType: 'bad_data', error }),
})

describe('Prometheus: a query', () => {
  test('runs at the end of the evaluated time', async () => {
    await run()
    expect(server.asked()).toEqual([{ query: p95, time: Date.parse(end) / 1_000 }])
  })

  test.each([
    ['one series', series('0.312'), 0.312],
    ['a scalar', scalar('0.25'), 0.25],
    ['a number of the form 1e-05', series('1e-05'), 0.00001],
  ])('that returns %s is measured', async (_what, answer, value) => {
    expect(await evaluateWith(answer)).toMatchObject({
      ...{ status: 'succeeded', result: 'pass' },
      data: { indicatorResults: [{ displayName: 'p95', status: 'pass', value: { value, success: true } }] },
    })
  })

  test.each([
    ['0.39', 'pass', 100],
    ['0.4', 'warning', 50],
    ['0.5', 'fail', 0],
  ])('with the value %s is a %s', async (value, result, score) => {
    server.answers[p95] = series(value)
    const limits = [{ metric: 'p95', op: '<=', value: 0.45, warn: 0.39 }]
    expect(await run({ thresholds: limits })).toMatchObject({ status: 'succeeded', result, data: { score } })
  })

  test('is scored by an SLO file', async () => {
    const objectives = [
      { sli: 'p95', pass: [{ criteria: ['<0.4'] }] },
      { sli: 'errors', pass: [{ criteria: ['<0.1'] }] },
    ]
    const { result, message } = await run({ sloFile: { objectives, total_score: { pass: '90%', warning: '50%' } } })
    expect([result, message]).toEqual([
      'warning',
      'The evaluation ended with a warning with a score of 50: errors is 0.5, not <0.1',
    ])
  })

  test.each([
    ['no series', vector([]), 'no series has data'],
    ['NaN', series('NaN'), 'the value is NaN'],
    ['+Inf', scalar('+Inf'), 'the value is Infinity'],
    ['-Inf', series('-Inf'), 'the value is -Infinity'],
  ])(
    'that returns %s has no data and ends as errored, or as a warning if the connection allows it',
    async (_what, answer, why) => {
      const { status, result, message } = await evaluateWith(answer)
      expect([status, result]).toEqual(['errored', 'fail'])
      expect(message).toBe(`Not evaluated: Prometheus has no data, or incomplete data, for p95 (${why})`)
      const warned = await evaluateWith(answer, { noData: 'warning' })
      expect(warned).toMatchObject({ status: 'succeeded', result: 'warning' })
      expect(warned.message).toContain(`p95 was not measured (${why})`)
    },
  )

  test('that returns warnings has incomplete data', async () => {
    const partial = [{ metric: {}, value: [1_795_514_700, '0.3'] as [number, string] }]
    const answer = vector(partial, ['store gateway-2 is down', 'PromQL warning: mixed'])
    const { status, message } = await evaluateWith(answer)
    expect(status).toBe('errored')
    expect(message).toContain('p95 (store gateway-2 is down; PromQL warning: mixed)')
    expect(await evaluateWith(answer, { noData: 'warning' })).toMatchObject({ status: 'succeeded', result: 'warning' })
  })

  test('shows no part of a secret if a warning is clipped', async () => {
    registerSecret('cut-in-the-middle-0123456789')
    const sample = [{ metric: {}, value: [1_795_514_700, '0.3'] as [number, string] }]
    const { message } = await evaluateWith(vector(sample, [`${'x'.repeat(285)} cut-in-the-middle-0123456789`]))
    expect(message).toContain('xxx')
    expect(message).not.toContain('cut-in')
  })

  test.each([
    ['2 series', vector([{ metric: { pod: 'a' } }, { metric: { pod: 'b' } }])],
    ['a histogram', vector([{ metric: {}, histogram: [1_795_514_700, { count: '12.5', sum: '42.1' }] }])],
    ['a string', { resultType: 'string' as const, result: [1_795_514_700, 'up'] }],
    ['a matrix', { resultType: 'matrix' as const, result: [{ metric: {}, values: [[1_795_514_700, '1']] }] }],
  ])('that returns %s is refused with an example', async (what, answer) => {
    const { kind, message } = await failureOf(evaluateWith(answer))
    expect(kind).toBe('refused')
    expect(message).toContain(`The query of p95 returned ${what}. It must return one value`)
  })

  test.each([
    [400, 'bad_data', 'invalid parameter "query": 1:7: parse error: unclosed left parenthesis'],
    [422, 'execution', 'many-to-many matching not allowed: matching labels must be unique on one side'],
  ] as const)('that is refused with %d shows the reason of Prometheus', async (status, type, words) => {
    const { kind, message } = await failureOf(evaluateWith(refusal(status, type, words)))
    expect(kind).toBe('refused')
    expect(message).toBe(`The query of p95: Prometheus answered ${status} to POST /api/v1/query: ${words}`)
  })

  test('that is refused is named', async () => {
    server.answers['broken('] = refusal(400, 'bad_data', '1:8: parse error: unclosed left parenthesis')
    const limits = ['p95', 'errors', 'third'].map((metric) => ({ metric, op: '<', value: 1 }))
    const failure = await failureOf(run({ thresholds: limits, queries: { third: 'broken(' } }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('The query of third: ') })
  })

  test('that times out can be retried', async () => {
    const slow = refusal(503, 'timeout', 'query timed out in expression evaluation')
    const failure = await failureOf(evaluateWith(slow))
    expect(failure).toMatchObject({ transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('query timed out in expression evaluation')
  })

  test.each([
    [502, '<html><title>502 Bad Gateway</title></html>'],
    [200, '<html><title>Log in</title></html>'],
    [200, { status: 'success', data: { resultType: 'vector', result: 'none' } }],
  ])('that gets another response, with %d, can be retried', async (status, body) => {
    expect(await failureOf(evaluateWith({ status, body }))).toMatchObject({ kind: 'platform', transient: true })
  })

  test('has its placeholders replaced', async () => {
    const query = 'sum(rate(errors_total{service="$SERVICE", stage="$STAGE", app="$PROJECT"}[$DURATION_SECONDS]))'
    server.answers['sum(rate(errors_total{service="checkout", stage="production", app="shop"}[300s]))'] = series('0')
    expect(await run({ thresholds, queries: { p95: query } })).toMatchObject({ result: 'pass' })
  })

  test.each(['a"} or vector(0) or up{a="', 'a}', 'a b', '$PROJECT', '.*'])(
    'is not sent with the service %j',
    async (service) => {
      const asked = run({ thresholds, queries: { p95: 'up{service="$SERVICE"}' } }, {}, { data: { service } })
      const failure = await failureOf(asked)
      expect(failure).toMatchObject({ kind: 'invalid', errors: [{ path: 'data.service' }] })
      expect(server.calls).toEqual([])
    },
  )

  test('links to a graph of the evaluated time', async () => {
    const { links, data } = await run()
    const url = new URL(links['prometheus slo'] ?? '')
    expect(data['url']).toBe(url.href)
    expect([url.origin, url.pathname]).toEqual([server.url, '/graph'])
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ...{ 'g0.expr': p95, 'g0.tab': '0', 'g0.range_input': '300s', 'g0.end_input': '2026-11-24 10:05:00' },
    })
  })
})

test('Prometheus: runs queries in batches and keeps their order', async () => {
  const names = Array.from({ length: 23 }, (_, at) => `slo_${at}`)
  for (const [at, name] of names.entries()) server.answers[name] = series(String(at))
  const limits = names.map((metric) => ({ metric, op: '>=', value: 0 }))
  const queries = Object.fromEntries(names.map((name) => [name, name]))
  const { data } = await run({ thresholds: limits, queries })
  const results = data['indicatorResults'] as { value: { metric: string; value: number } }[]
  expect(results.map(({ value }) => [value.metric, value.value])).toEqual(names.map((name, at) => [name, at]))
})

describe('Prometheus: a connection', () => {
  test.each([
    ['a bearer token', { token: 'a-token-of-a-proxy' }, { authorization: 'Bearer a-token-of-a-proxy' }],
    [
      'a user and a password',
      { username: 'röbot', password: 'a-password-of-a-robot' },
      { authorization: `Basic ${Buffer.from('röbot:a-password-of-a-robot').toString('base64')}` },
    ],
    ['a tenant', { tenant: 'shop' }, { 'x-scope-orgid': 'shop' }],
  ])('can have %s', async (_what, fields, headers) => {
    Object.assign(server.needs, headers)
    const client = (more: object) => clientOf(prometheus, prometheus.connection.parse({ baseUrl: server.url, ...more }))
    await prometheus.check(client(fields))
    expect(await run({ thresholds }, fields)).toMatchObject({ result: 'pass' })
    expect(await failureOf(Promise.resolve(prometheus.check(client({}))))).toMatchObject({ kind: 'credentials' })
  })

  test('cannot have an SLO', async () => {
    expect(() => prometheus.connection.parse({ baseUrl: server.url, slo: 'checkout' })).toThrow('slo')
    const failure = await failureOf(run({}))
    expect(failure).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('Prometheus'),
    })
  })
})
