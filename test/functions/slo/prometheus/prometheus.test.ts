import { expect, test } from '@jest/globals'
import { expectFailure } from '../../helpers.ts'
import { time } from '../play.ts'
import { refusal, scalar, series, startPrometheus, vector } from './fake.ts'
import { p95, queries, testPrometheus } from './suite.ts'

const sample = { value: [1_795_514_700, '0.3'] as [number, string] }
const answers = {
  [queries.scalar]: scalar('0.25'),
  [queries.NaN]: series('NaN'),
  [queries.infinite]: scalar('+Inf'),
  [queries.negative]: series('-Inf'),
  [queries.warning]: vector(
    [{ metric: {}, ...sample }],
    ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:22)'],
  ),
  [queries.pods]: vector([
    { metric: { pod: 'a' }, ...sample },
    { metric: { pod: 'b' }, ...sample },
  ]),
  [queries.text]: { resultType: 'string' as const, result: [1_795_514_700, 'up'] },
  [queries.range]: { resultType: 'matrix' as const, result: [] },
  [queries.open]: refusal(400, 'bad_data', 'invalid parameter "query": 1:17: parse error: unclosed left parenthesis'),
  [queries.many]: refusal(422, 'execution', 'found duplicate series for the match group {} on the right hand-side'),
}

async function start() {
  const server = await startPrometheus()
  const token = 'a-token-of-a-proxy'
  Object.assign(server.answers, answers)
  server.needs['authorization'] = `Bearer ${token}`
  return { server, connection: { baseUrl: server.url, token } }
}

const { server, run, check } = testPrometheus(start, ({ server }, text) => {
  server.answers[p95] = vector([{ metric: {}, ...sample }], [text])
})

test('Prometheus: a query that returns a histogram is refused with an example', async () => {
  server.answers[p95] = vector([{ metric: {}, histogram: [1_795_514_700, { count: '12.5', sum: '42.1' }] }])
  await expectFailure(run(), 'refused', 'it returned a histogram. It must return one value')
})

test('Prometheus: a query has its placeholders replaced', async () => {
  const query = 'sum(rate(errors_total{service="$SERVICE", stage="$STAGE", app="$PROJECT"}[$DURATION_SECONDS]))'
  server.answers['sum(rate(errors_total{service="checkout", stage="production", app="shop"}[300s]))'] = series('0')
  expect(await run({ queries: { p95: query } })).toMatchObject({ result: 'pass' })
})

test('Prometheus: a query runs at the end of the evaluated time, and links to a graph', async () => {
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

test.each([
  [
    'a user and a password',
    { token: undefined, username: 'röbot', password: 'a-password-of-a-robot' },
    { authorization: `Basic ${Buffer.from('röbot:a-password-of-a-robot').toString('base64')}` },
  ],
  ['a tenant', { tenant: 'shop' }, { 'x-scope-orgid': 'shop' }],
])('Prometheus: a connection can have %s', async (_what, fields, headers) => {
  Object.assign(server.needs, headers)
  await check(fields)
  expect(await run({}, fields)).toMatchObject({ result: 'pass' })
  await expectFailure(check(), 'credentials')
})
