import { describe, expect, test } from '@jest/globals'
import { prometheus } from '../../../../functions/slo/prometheus/prometheus.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { evaluationConformance } from '../../../conformance/evaluation.ts'
import { expectFailure } from '../../helpers.ts'
import { play, time } from '../play.ts'

/** A Prometheus, real or fake, with its credentials. */
interface PrometheusPlatform<S extends Served> {
  server: S
  connection: Record<string, unknown>
}

export const p95 = 'vector(0.312)'
const pods = 'label_replace(vector(1), "pod", "a", "", "") or label_replace(vector(1), "pod", "b", "", "")'
/** Queries whose results do not depend on any data. The fake knows their results. */
export const queries = {
  scalar: 'scalar(vector(0.25))',
  NaN: 'vector(0) / 0',
  infinite: 'scalar(vector(1) / 0)',
  negative: 'vector(-1) / 0',
  warning: 'vector(1) + quantile(2, vector(1))',
  pods,
  text: '"up"',
  range: 'up[1m]',
  open: 'sum(rate(up[1m])',
  many: `vector(1) * on () (${pods})`,
}

/**
 * Registers the tests that pass with a real Prometheus and with the fake.
 *
 * @param reason lets the query p95 return a warning. A real Prometheus chooses the text itself
 */
export function testPrometheus<S extends Served>(
  start: () => Promise<PrometheusPlatform<S>>,
  reason?: (platform: PrometheusPlatform<S>, text: string) => unknown,
) {
  const common = { errors: 'scalar(vector(0.5))' }
  const shows = (query: string) => ({
    arrange: ({ connection }: PrometheusPlatform<S>) =>
      Object.assign(connection, { queries: { ...common, p95: query } }),
  })
  const limits = [{ metric: 'p95', op: '<=', value: 0.45, warn: 0.39 }]

  evaluationConformance(prometheus, {
    async start() {
      const { server, connection } = await start()
      return {
        server,
        connection: { ...connection, queries: { ...common, p95 } },
        input: { ...time, thresholds: limits },
      }
    },
    refusal: (error) => ({ status: 'error', errorType: 'bad_data', error }),
    verdicts: {
      'one series': { ...shows('vector(0.39)'), result: 'pass', value: 0.39 },
      'a scalar': { ...shows(queries.scalar), result: 'pass', value: 0.25 },
      'a number of the form 1e-05': { ...shows('vector(1e-05)'), result: 'pass', value: 0.00001 },
      'a value above the warning': { ...shows('vector(0.4)'), result: 'warning', value: 0.4 },
      'a value above the threshold': { ...shows('vector(0.5)'), result: 'fail', value: 0.5 },
    },
    gaps: {
      'no series': { ...shows('unknown_errors_total'), message: 'for p95 (no series has data)' },
      NaN: { ...shows(queries.NaN), message: 'p95 (the value is NaN)' },
      '+Inf': { ...shows(queries.infinite), message: 'p95 (the value is Infinity)' },
      '-Inf': { ...shows(queries.negative), message: 'p95 (the value is -Infinity)' },
      warnings: {
        ...shows(queries.warning),
        message: 'p95 (PromQL warning: quantile value should be between 0 and 1, got 2',
      },
    },
    ...(reason && { reason }),
  })

  let connection: object
  const {
    server,
    ask: run,
    check,
  } = play(prometheus, {
    async start() {
      const platform = await start()
      connection = { ...platform.connection, queries: { ...common, p95 } }
      return platform.server
    },
    connection: () => ({ ...connection }),
    input: { ...time, thresholds: [{ metric: 'p95', op: '<', value: 0.4 }] },
  })

  describe('Prometheus: a query', () => {
    test.each([
      ['2 series', pods],
      ['a string', queries.text],
      ['a matrix', queries.range],
    ])('that returns %s is refused with an example', async (what, query) => {
      const words = `The query of p95: it returned ${what}. It must return one value`
      await expectFailure(run({ queries: { p95: query } }), 'refused', words)
    })

    test.each([
      [
        queries.open,
        '400 to POST /api/v1/query: invalid parameter "query": 1:17: parse error: unclosed left parenthesis',
      ],
      [queries.many, '422 to POST /api/v1/query: found duplicate series for the match group {}'],
    ])('that is refused is named: %s', async (query, reason) => {
      const thresholds = ['p95', 'errors', 'third'].map((metric) => ({ metric, op: '<', value: 1 }))
      await expectFailure(run({ thresholds, queries: { third: query } }), 'refused', 'The query of third: ', reason)
    })
  })

  test('Prometheus: runs queries in batches and keeps their order', async () => {
    const names = Array.from({ length: 23 }, (_, at) => `slo_${at}`)
    const thresholds = names.map((metric) => ({ metric, op: '>=', value: 0 }))
    const queries = Object.fromEntries(names.map((name, at) => [name, `vector(${at})`]))
    const { data } = await run({ thresholds, queries })
    const results = data['indicatorResults'] as { value: { metric: string; value: number } }[]
    expect(results.map(({ value }) => [value.metric, value.value])).toEqual(names.map((name, at) => [name, at]))
  })

  test('Prometheus: a connection cannot have an SLO', async () => {
    expect(() => prometheus.connection.parse({ baseUrl: server.url, slo: 'checkout' })).toThrow('slo')
    await expectFailure(run({ thresholds: undefined }), 'invalid', 'Prometheus')
  })
  return { server, run, check }
}
