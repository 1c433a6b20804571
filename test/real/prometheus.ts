import assert from 'node:assert/strict'
import { prometheus as provider } from '../../functions/slo/providers/prometheus.ts'
import { clientOf } from '../functions/client.ts'
import { evaluate } from '../functions/slo/drive.ts'
import { fails } from './failures.ts'
import type { Program } from './program.ts'

const queries = {
  up: 'sum(up{job="$SERVICE"})',
  scrapes: 'sum(rate(prometheus_tsdb_head_samples_appended_total[1m]))',
  p95: 'histogram_quantile(0.95, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[1m])))',
  nothing: 'sum(rate(unknown_errors_total[$DURATION_SECONDS]))',
  undefined: 'vector(0) / 0',
  each: 'prometheus_http_requests_total',
  range: 'up[1m]',
  text: '"up"',
  open: 'sum(rate(up[1m])',
  matched: 'up * on (job) prometheus_http_requests_total',
  incomplete: 'vector(1) + quantile(2, vector(1))',
}

/** Queries of the provider on a real server. */
export const prometheus: Program = {
  name: 'Prometheus',
  script: 'prometheus.sh',
  async checks({ url }) {
    const connection = { baseUrl: url, queries, dataDelay: 0 }
    const run = (input: object, more: object = {}) =>
      evaluate(provider, { ...connection, ...more }, { timeframe: '1m', ...input }, { data: { service: 'itself' } })
    const of = (metric: string, op = '>', value = 0) => ({ thresholds: [{ metric, op, value }] })

    return {
      tests: {
        answers: async () => void (await provider.check(clientOf(provider, provider.connection.parse(connection)))),
        async 'is evaluated by thresholds'() {
          const passed = await run({ thresholds: [...of('up', '>=', 1).thresholds, ...of('scrapes').thresholds] })
          assert.deepEqual([passed.status, passed.result, passed.data['score']], ['succeeded', 'pass', 100])
          const failed = await run(of('up', '>', 1))
          assert.deepEqual([failed.status, failed.result], ['succeeded', 'fail'])
          assert.match(failed.message, /up is 1, not >1/)
        },
        async 'is evaluated by an SLO file'() {
          const sloFile = `
            spec_version: "1.0"
            objectives:
              - {sli: p95, displayName: Response time, pass: [{criteria: ["<10"]}], key_sli: true}
              - {sli: up, pass: [{criteria: [">1"]}], warning: [{criteria: [">=1"]}]}
              - {sli: scrapes}
            total_score: {pass: "90%", warning: "75%"}`
          const { status, result, message, data } = await run({ sloFile })
          assert.deepEqual([status, result, data['score']], ['succeeded', 'warning', 75])
          assert.match(message, /up is 1, not >1/)
          const statuses = (data['indicatorResults'] as { status: string }[]).map((one) => one.status)
          assert.deepEqual(statuses, ['pass', 'warning', 'info'])
        },
        async 'returns no value for an unknown metric and for an undefined result'() {
          for (const [name, why] of [
            ['nothing', /nothing \(no series has data\)/],
            ['undefined', /undefined \(the value is NaN\)/],
          ] as const) {
            const { status, result, message } = await run(of(name))
            assert.deepEqual([status, result], ['errored', 'fail'])
            assert.match(message, why)
            assert.equal((await run(of(name), { noData: 'warning' })).result, 'warning')
          }
        },
        async 'says what is wrong with a query'() {
          for (const [name, words] of [
            ['open', /The query of open: .+ 400 .+: invalid parameter "query": 1:17: parse error: unclosed left paren/],
            ['matched', /The query of matched: .+ 422 .+: .+many-to-many matching not allowed/],
            ['each', /The query of each: it returned \d+ series/],
            ['range', /The query of range: it returned a matrix/],
            ['text', /The query of text: it returned a string/],
          ] as const)
            await fails(run(of(name)), words)
        },
        async 'reports why a value may be incomplete'() {
          const { status, message } = await run(of('incomplete'))
          assert.equal(status, 'errored')
          assert.match(message, /incomplete \(PromQL warning: quantile value should be between 0 and 1, got 2/)
        },
        async 'shows people the query'() {
          const { links } = await run(of('up'))
          const answer = await fetch(links['prometheus slo'] ?? '')
          assert.equal(answer.status, 200)
          assert.match(await answer.text(), /Prometheus/)
        },
      },
    }
  },
}
