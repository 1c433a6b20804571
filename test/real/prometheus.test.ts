import { expect, test } from '@jest/globals'
import { prometheus } from '../../functions/slo/prometheus/prometheus.ts'
import { evaluate } from '../functions/slo/drive.ts'
import { testPrometheus } from '../functions/slo/prometheus/suite.ts'
import { sendText, startedProgram } from './platform.ts'
import { startProxy } from './proxy.ts'

const { url, details } = startedProgram()
const credentials = { username: 'robot', password: details['password'] }

const { run } = testPrometheus(async () => {
  const server = await startProxy(url)
  return { server, connection: { baseUrl: server.url, ...credentials } }
})

test('Prometheus: measures its own metrics', async () => {
  const queries = {
    up: 'sum(up{job="$SERVICE"})',
    scrapes: 'sum(rate(prometheus_tsdb_head_samples_appended_total[$DURATION_SECONDS]))',
    p95: 'histogram_quantile(0.95, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[1m])))',
  }
  const sloFile = `
    spec_version: "1.0"
    objectives:
      - {sli: p95, displayName: Response time, pass: [{criteria: ["<10"]}], key_sli: true}
      - {sli: up, pass: [{criteria: [">1"]}], warning: [{criteria: [">=1"]}]}
      - {sli: scrapes}
    total_score: {pass: "90%", warning: "75%"}`
  const connection = { baseUrl: url, ...credentials, queries, dataDelay: 0 }
  const outcome = await evaluate(prometheus, connection, { timeframe: '1m', sloFile }, { data: { service: 'itself' } })
  expect(outcome).toMatchObject({
    status: 'succeeded',
    result: 'warning',
    message: expect.stringContaining('up is 1, not >1'),
    data: { score: 75, indicatorResults: [{ status: 'pass' }, { status: 'warning' }, { status: 'info' }] },
  })
})

test('Prometheus: the link of an evaluation leads to a page', async () => {
  const { links } = await run()
  const { pathname, search } = new URL(links['prometheus slo'] ?? '')
  const authorization = `Basic ${Buffer.from(`robot:${details['password']}`).toString('base64')}`
  expect(await sendText('GET', pathname + search, { authorization })).toContain('Prometheus')
})
