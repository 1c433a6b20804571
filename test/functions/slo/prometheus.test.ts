import { describe, expect, test } from '@jest/globals'
import { prometheus } from '../../../functions/slo/providers/prometheus.ts'
import { evaluationConformance } from '../../conformance/evaluation.ts'
import { type PrometheusServer, refusal, scalar, series, startPrometheus, vector } from '../../platforms/prometheus.ts'
import { expectFailure } from '../helpers.ts'
import { play, time } from './play.ts'

const p95 = 'histogram_quantile(0.95, sum by (le) (rate(request_seconds_bucket[5m])))'
const errors = 'sum(rate(errors_total[5m]))'

const thresholds = [{ metric: 'p95', op: '<', value: 0.4 }]
const {
  server,
  ask: run,
  check,
} = play(prometheus, {
  start,
  connection: ({ url }) => ({ baseUrl: url, queries: { p95, errors } }),
  input: { ...time, thresholds },
})
async function start() {
  const server = await startPrometheus()
  Object.assign(server.answers, { [p95]: series('0.312'), [errors]: scalar('0.5') })
  return server
}
const sample = [{ metric: {}, value: [1_795_514_700, '0.3'] as [number, string] }]
const evaluateWith = async (answer: PrometheusServer['answers'][string], more: object = {}) => {
  server.answers[p95] = answer
  return run({}, more)
}

evaluationConformance(prometheus, {
  async start() {
    const server = await start()
    const token = 'a-token-of-a-proxy'
    server.needs['authorization'] = `Bearer ${token}`
    const limits = [{ metric: 'p95', op: '<=', value: 0.45, warn: 0.39 }]
    return {
      server,
      connection: { baseUrl: server.url, queries: { p95, errors }, token },
      input: { ...time, thresholds: limits },
    }
  },
  refusal: (error) => ({ status: 'error', errorType: 'bad_data', error }),
  verdicts: {
    'one series': { arrange: ({ server }) => (server.answers[p95] = series('0.39')), result: 'pass', value: 0.39 },
    'a scalar': { arrange: ({ server }) => (server.answers[p95] = scalar('0.25')), result: 'pass', value: 0.25 },
    'a number of the form 1e-05': {
      arrange: ({ server }) => (server.answers[p95] = series('1e-05')),
      result: 'pass',
      value: 0.00001,
    },
    'a value above the warning': {
      arrange: ({ server }) => (server.answers[p95] = series('0.4')),
      result: 'warning',
      value: 0.4,
    },
    'a value above the threshold': {
      arrange: ({ server }) => (server.answers[p95] = series('0.5')),
      result: 'fail',
      value: 0.5,
    },
  },
  gaps: {
    'no series': {
      arrange: ({ server }) => (server.answers[p95] = vector([])),
      message: 'for p95 (no series has data)',
    },
    NaN: { arrange: ({ server }) => (server.answers[p95] = series('NaN')), message: 'p95 (the value is NaN)' },
    '+Inf': { arrange: ({ server }) => (server.answers[p95] = scalar('+Inf')), message: 'p95 (the value is Infinity)' },
    '-Inf': {
      arrange: ({ server }) => (server.answers[p95] = series('-Inf')),
      message: 'p95 (the value is -Infinity)',
    },
    warnings: {
      arrange: ({ server }) =>
        (server.answers[p95] = vector(sample, ['store gateway-2 is down', 'PromQL warning: mixed'])),
      message: 'p95 (store gateway-2 is down; PromQL warning: mixed)',
    },
  },
  reason: ({ server }, text) => (server.answers[p95] = vector(sample, [text])),
})

describe('Prometheus: a query', () => {
  test.each([
    ['2 series', vector([{ metric: { pod: 'a' } }, { metric: { pod: 'b' } }])],
    ['a histogram', vector([{ metric: {}, histogram: [1_795_514_700, { count: '12.5', sum: '42.1' }] }])],
    ['a string', { resultType: 'string' as const, result: [1_795_514_700, 'up'] }],
    ['a matrix', { resultType: 'matrix' as const, result: [{ metric: {}, values: [[1_795_514_700, '1']] }] }],
  ])('that returns %s is refused with an example', async (what, answer) => {
    const words = `The query of p95: it returned ${what}. It must return one value`
    await expectFailure(evaluateWith(answer), 'refused', words)
  })

  test('that is refused is named', async () => {
    server.answers['broken('] = refusal(400, 'bad_data', '1:8: parse error: unclosed left parenthesis')
    const limits = ['p95', 'errors', 'third'].map((metric) => ({ metric, op: '<', value: 1 }))
    const asked = run({ thresholds: limits, queries: { third: 'broken(' } })
    await expectFailure(asked, 'refused', 'The query of third: ')
  })

  test('has its placeholders replaced', async () => {
    const query = 'sum(rate(errors_total{service="$SERVICE", stage="$STAGE", app="$PROJECT"}[$DURATION_SECONDS]))'
    server.answers['sum(rate(errors_total{service="checkout", stage="production", app="shop"}[300s]))'] = series('0')
    expect(await run({ queries: { p95: query } })).toMatchObject({ result: 'pass' })
  })

  test('runs at the end of the evaluated time, and links to a graph', async () => {
    const { links, data } = await run()
    expect(server.queries).toEqual([{ query: p95, time: Date.parse(time.end) / 1_000 }])
    const url = new URL(links['prometheus slo'] ?? '')
    expect(data['url']).toBe(url.href)
    expect([url.origin, url.pathname]).toEqual([server.url, '/graph'])
    expect(Object.fromEntries(url.searchParams)).toEqual({
      'g0.expr': p95,
      'g0.tab': '0',
      'g0.range_input': '300s',
      'g0.end_input': '2025-11-24 10:05:00',
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

test.each([
  ['a bearer token', { token: 'a-token-of-a-proxy' }, { authorization: 'Bearer a-token-of-a-proxy' }],
  [
    'a user and a password',
    { username: 'röbot', password: 'a-password-of-a-robot' },
    { authorization: `Basic ${Buffer.from('röbot:a-password-of-a-robot').toString('base64')}` },
  ],
  ['a tenant', { tenant: 'shop' }, { 'x-scope-orgid': 'shop' }],
])('Prometheus: a connection can have %s', async (_what, fields, headers) => {
  Object.assign(server.needs, headers)
  await check(fields)
  expect(await run({}, fields)).toMatchObject({ result: 'pass' })
  await expectFailure(check(), 'credentials')
})

test('Prometheus: a connection cannot have an SLO', async () => {
  expect(() => prometheus.connection.parse({ baseUrl: server.url, slo: 'checkout' })).toThrow('slo')
  await expectFailure(run({ thresholds: undefined }), 'invalid', 'Prometheus')
})
