import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, load, median, ms, quantile, type Section, within } from './measure.ts'

const ALERTS = 1_000
const STORMS = 5
const BODIES = 2_000
const CONCURRENCY = 20
/** GitHub's limit. Those of PagerDuty (5 s) and Sentry (1 s) are for one alert. */
const MAX_STORM_MS = 10_000
const MAX_BODY_MS = 1_000
const MIN_PER_MINUTE = 10_000
const TOKEN = 'token-of-the-alert-sender'
const PATIENCE_MS = 240_000

const rule = {
  name: 'open',
  source: 'alerts',
  call: 'issue-ticketing/open-issue',
  input: '{title: labels.alertname, description: annotations.text}',
  // The queue is measured, not the platform.
  group: { by: 'labels.service', max: 1, per: 'PT1H', input: "{title: join(' ', ['And', to_string(more), 'more'])}" },
}

/** Measures how soon storms of alerts are accepted, and handled. */
export async function alerts(bench: Bench): Promise<Section> {
  const eventsFile = join(bench.scratch, 'alerts.yaml')
  const secretsFile = join(bench.scratch, 'alerts-secrets.json')
  writeFileSync(eventsFile, JSON.stringify({ sources: { alerts: { type: 'alertmanager' } }, rules: [rule] }))
  writeFileSync(secretsFile, JSON.stringify({ 'cloud-automation-webhooks/sources/alerts': { token: TOKEN } }))
  const runtime = await LocalRuntime.start(bench, { eventsFile, secretsFile })
  try {
    bench.progress(`${STORMS} bodies with ${ALERTS} alerts each`)
    const storms: number[] = []
    for (let storm = 0; storm < STORMS; storm++) {
      const startedAt = performance.now()
      await send(runtime, `storm-${storm}`, ALERTS)
      storms.push(performance.now() - startedAt)
    }
    bench.progress(`${BODIES} bodies with one alert each`)
    const { perSecond, latencies } = await load(BODIES, CONCURRENCY, (n) => send(runtime, `body-${n}`, 1))
    const startedAt = performance.now()
    const handled = await waitForEnd(runtime, bench)
    const perMinute = Math.round(perSecond * 60)
    return {
      title: 'Alerts',
      columns: ['', 'measured', 'budget'],
      rows: [
        [`a body with ${ALERTS} alerts, median`, ms(median(storms)), ''],
        ['longest', ms(Math.max(...storms)), within(Math.max(...storms), MAX_STORM_MS, ms)],
        ['bodies per minute', String(perMinute), `${perMinute >= MIN_PER_MINUTE ? '' : 'below '}${MIN_PER_MINUTE}`],
        [
          'a body in this load, 99th percentile',
          ms(quantile(latencies, 0.99)),
          within(quantile(latencies, 0.99), MAX_BODY_MS, ms),
        ],
        ['alerts handled per second', String(Math.round((handled * 1_000) / (performance.now() - startedAt))), ''],
      ],
      notes: [
        `The body has ${Math.round(Buffer.byteLength(JSON.stringify(bodyOf('storm', ALERTS))) / 1_024)} KB. Each alert is stored in the queue before the response. ${CONCURRENCY} requests at a time; the local runtime has a database instead of SQS, and runs four environments of each function.`,
      ],
    }
  } finally {
    await runtime.end()
  }
}

function bodyOf(key: string, count: number) {
  const text = 'The p99 latency of the checkout is above its objective for more than ten minutes. '.repeat(7)
  const alert = (at: number) => ({
    status: 'firing',
    labels: { alertname: `${key} ${at}`, service: count === 1 ? 'bodies' : key },
    annotations: { text },
    startsAt: '2026-11-30T10:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'https://prometheus.example.org/graph',
    fingerprint: `${key}-${at}`,
  })
  return { version: '4', status: 'firing', alerts: Array.from({ length: count }, (_, at) => alert(at)) }
}

async function send(runtime: LocalRuntime, key: string, count: number): Promise<void> {
  const headers = { authorization: `Bearer ${TOKEN}` }
  const { status, body } = await runtime.post(`${runtime.url}/v1/events/alerts`, bodyOf(key, count), headers)
  if (status !== 200 || JSON.parse(body).calls !== count) throw new Error(`Status ${status}: ${body}`)
}

/** Waits until only the messages for the end of the groups are in the queue. Returns how many alerts were handled meanwhile. */
async function waitForEnd(runtime: LocalRuntime, bench: Bench): Promise<number> {
  const first = await runtime.queued()
  for (const startedAt = performance.now(); performance.now() - startedAt < PATIENCE_MS; await sleep(1_000)) {
    const left = await runtime.queued()
    bench.progress(`${left} messages in the queue`)
    // One for each group.
    if (left <= STORMS + 1) return first - left
  }
  throw new Error(`The queue is not empty after ${PATIENCE_MS} ms.`)
}
