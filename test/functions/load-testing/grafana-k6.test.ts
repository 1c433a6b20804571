import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { grafanaK6 } from '../../../functions/load-testing/providers/grafana-k6.ts'
import { type GrafanaK6Server, startGrafanaK6 } from '../../../infra/platforms/grafana-k6.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { secondsOf } from '../job.ts'
import { loadTest } from './load-test.ts'

let server: GrafanaK6Server
beforeEach(async () => {
  server = await startGrafanaK6()
})
afterEach(() => server.close())

const connected = (fields: object = {}) =>
  loadTest(grafanaK6, () => ({ baseUrl: server.url, token: server.token, stackId: server.stackId, ...fields }))
const soak = { target: '1234' }
const id = '5678'
const url = 'https://stack.grafana.net/a/k6-app/runs/5678'
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const run = (at = -1) => {
  const found = server.state.runs.at(at)
  if (!found) throw new Error('There is no run')
  return found
}
/** Makes the newest run older by the given minutes. */
const age = (minutes: number) => {
  run().created = new Date(Date.now() - minutes * 60_000).toISOString()
  if (minutes > 10) server.state.keys.clear()
}
const byUser = { by_user: 'mia@example.com', message: null, code: null }
const byFault = { by_user: null, message: 'Validation error', code: 123 }

describe('Grafana Cloud k6: connection', () => {
  test('the check lists one load test', async () => {
    await grafanaK6.check(connected({ stackId: 4711 }).client())
    expect(server.calls[0]).toMatchObject({ path: '/cloud/v6/load_tests', headers: { 'x-stack-id': '4711' } })
  })

  test("uses Grafana's own URL by default", () => {
    expect(grafanaK6.connection.parse({ token: 'a-token', stackId: '1' })).toMatchObject({
      baseUrl: 'https://api.k6.io',
    })
  })

  test('an invalid token or stack is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(soak))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('Invalid token or authentication scheme.')
    expect(failure.message).not.toContain('a-wrong-token')
    expect((await failureOf(connected({ stackId: '1' }).start(soak))).message).toContain('access to this stack')
  })

  test('the token is a secret', () => {
    expect(secretsIn(grafanaK6.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('Grafana Cloud k6: start', () => {
  test('runs the test, saves the key in its note, and returns at once', async () => {
    const { outcome } = await connected().start(soak)
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { 'grafana-cloud-k6 5678': url },
    })
    expect(run().note).toBe(`cloud-automation-webhooks ${keyOf(1)}`)
  })

  test('takes the test from the connection, and sends no key if the call has none', async () => {
    await connected({ target: '1234' }).start({}, { key: undefined })
    expect(run().note).toBe('')
    expect(calls('POST')[0]?.headers).not.toHaveProperty('k6-idempotency-key')
    expect(calls('GET')).toEqual([])
  })

  test('succeeds even if the note cannot be saved', async () => {
    server.failNext(503, 'busy', { on: 'PATCH' })
    expect((await connected().start(soak)).outcome).toMatchObject({ data: { id } })
    server.state.mayEdit = false
    expect((await connected().start(soak)).outcome).toMatchObject({ data: { id } })
  })

  test.each([
    ['an invalid target', { target: 'Orders API' }, 'must be the number of a load test'],
    ['parameters', { parameters: { vus: 10 } }, 'input.parameters is not supported'],
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['a ref', { ref: 'main' }, 'input.ref is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...soak, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that Grafana gives', async () => {
    expect((await failureOf(connected().start({ target: '99' }))).message).toContain(
      '404 to GET /cloud/v6/load_tests/99',
    )
    server.state.mayRun = false
    const failure = await failureOf(connected().start(soak))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('403 to POST /cloud/v6/load_tests/1234/start: The user does not have permission')
  })

  test('a refusal has the details, which contain the reason', async () => {
    const details = [{ message: 'The subscription has no virtual user hours left.', code: 'x', target: null }]
    server.failNext(400, { error: { message: 'Validation failed', code: 'validation', details } }, { on: 'POST' })
    expect((await failureOf(connected().start(soak))).message).toContain(
      ': Validation failed; The subscription has no virtual user hours left.',
    )
  })

  test('returns Retry-After of Grafana', async () => {
    server.failNext(
      429,
      { error: { message: 'Slow down', code: 'throttled' } },
      { on: 'POST', headers: { 'retry-after': '20' } },
    )
    expect(await failureOf(connected().start(soak))).toMatchObject({
      transient: true,
      retryAfter: 20,
      mayHaveWritten: false,
    })
  })

  test('is transient while Grafana is down', async () => {
    server.down()
    expect(await failureOf(connected().start(soak))).toMatchObject({ transient: true, mayHaveWritten: false })
  })
})

describe('Grafana Cloud k6: start with a lost response', () => {
  test('a retry with the same key starts no second run', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(soak))).toMatchObject({ transient: true, mayHaveWritten: true })
    const { outcome } = await connected().start(soak, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url })
    expect(server.state.runs).toHaveLength(1)
    expect(calls('POST').map(({ headers }) => headers['k6-idempotency-key'])).toEqual(
      Array(2).fill(keyOf(1).slice(0, 36)),
    )
  })

  test('a retry finds the run by its note after the key has expired', async () => {
    await connected().start(soak)
    age(30)
    await connected().start(soak, { isRetry: true })
    expect(server.state.runs).toHaveLength(1)
  })

  test('the outcome is unknown if the key has expired and there is no note', async () => {
    server.loseNext('POST')
    await failureOf(connected().start(soak))
    age(11)
    const failure = await failureOf(connected().start(soak, { isRetry: true }))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(server.state.runs).toHaveLength(1)
  })

  test('a retry starts a run if only other calls and older events have runs', async () => {
    await connected().start(soak, { key: keyOf(2) })
    age(60)
    await connected().start(soak, { key: undefined })
    age(26 * 60)
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(soak))
    await connected().start(soak, { isRetry: true })
    expect(server.state.runs).toHaveLength(3)
  })
})

test('Grafana Cloud k6: a second delivery of an event finds the run after it has ended', async () => {
  await connected().start(soak)
  server.enter('completed', { result: 'passed' })
  age(60)
  expect((await connected().start(soak)).outcome.data).toMatchObject({ id })
  expect(calls('POST')).toHaveLength(1)
})

describe('Grafana Cloud k6: run', () => {
  test.each([
    ['queued', 'queued'],
    ['initializing', 'initializing'],
    ['processing_metrics', 'processing_metrics'],
    ['paused', 'paused (unknown state)'],
  ])('keeps running in the state %s', async (state, running) => {
    const started = await connected().start(soak)
    server.enter(state)
    expect(await connected().poll(started, soak)).toMatchObject({ status: running, progress: state })
  })

  test('reports its progress', async () => {
    const started = await connected().start(soak)
    run().history.push({ type: 'running', entered: new Date(Date.now() - 90_000).toISOString() })
    expect(await connected().poll(started, soak)).toMatchObject({
      status: 'running',
      progress: expect.stringMatching(/^running for 9\d s of about 600 s, up to 10 users$/),
    })
  })

  test('keeps running until it has a result', async () => {
    const started = await connected().start(soak)
    server.enter('completed')
    expect(await connected().poll(started, soak)).toMatchObject({ status: 'completed' })
    expect(server.calls.filter(({ path }) => path.includes('/v5/'))).toEqual([])
  })

  test.each([
    ['completed', 'passed', undefined, 'succeeded', 'pass'],
    ['completed', 'failed', undefined, 'succeeded', 'fail'],
    ['completed', 'error', undefined, 'errored', 'fail'],
    ['aborted', 'failed', undefined, 'succeeded', 'fail'],
    ['aborted', 'error', byUser, 'aborted', 'fail'],
    ['aborted', 'error', byFault, 'errored', 'fail'],
    ['aborted', null, byUser, 'aborted', 'fail'],
  ])('in the state %s with %s, ends correctly', async (type, result, extra, status, verdict) => {
    const started = await connected().start(soak)
    server.enter(type, { result, ...(extra ? { extra } : {}) })
    expect(await connected().end(started, soak)).toMatchObject({
      status,
      result: verdict,
      data: { id, url, state: [type, result].filter(Boolean).join('/') },
    })
  })

  test('keeps running with an unknown result', async () => {
    const started = await connected().start(soak)
    server.enter('completed', { result: 'flaky' })
    expect(await connected().poll(started, soak)).toMatchObject({ status: 'completed/flaky (unknown state)' })
  })

  test('reports its measurements, its duration and its cost', async () => {
    const started = await connected().start(soak)
    for (const state of ['running', 'processing_metrics']) server.enter(state)
    server.enter('completed', { result: 'passed' })
    const ended = await connected().end(started, soak)
    expect(secondsOf(ended)).toBe(60)
    expect(ended.data).toMatchObject({
      requests: 1_200,
      rps: 20,
      errorRate: 0.0125,
      mean: 110.5,
      max: 900,
      p50: 100,
      p90: 190,
      p95: 240,
      p99: 480,
      duration: 60,
      virtualUserHours: 10.5,
    })
  })

  test('is judged by thresholds in addition to its own', async () => {
    const input = { ...soak, thresholds: [{ metric: 'p95', op: '<', value: 200 }] }
    const started = await connected().start(input)
    server.enter('completed', { result: 'passed' })
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('p95 is 240, not < 200'),
    })
  })

  test("reports why it failed, in Grafana's words", async () => {
    const started = await connected().start(soak)
    const message = 'Some thresholds were crossed: http_req_duration p(95)<200'
    server.enter('completed', { result: 'failed', details: { type: 'failed', message } })
    expect((await connected().end(started, soak)).message).toBe(`Test run 5678 ended as completed/failed: ${message}`)
  })

  test('reports who aborted it, and why', async () => {
    const started = await connected().start(soak)
    server.enter('aborted', { result: 'error', extra: { ...byFault, by_user: 'mia@example.com' } })
    expect((await connected().end(started, soak)).message).toContain(': Validation error; code 123; by mia@example.com')
  })

  test('of a test without HTTP requests has no metrics of them', async () => {
    server.state.metrics = {}
    const started = await connected().start(soak)
    server.enter('completed', { result: 'passed' })
    const ended = await connected().end(started, soak)
    expect(ended).toMatchObject({ result: 'pass' })
    expect(ended.data).not.toHaveProperty('p95')
  })

  test('has its verdict even if its metrics cannot be read, and reports that', async () => {
    server.state.metricsStatus = 403
    const started = await connected().start(soak)
    server.enter('completed', { result: 'passed' })
    const ended = await connected().end(started, soak)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(ended.message).toContain('its metrics could not be read (Grafana Cloud k6 answered 403')
  })

  test('keeps running while Grafana is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(soak)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(started, soak))).toMatchObject({ transient: true })
    server.enter('completed', { result: 'passed' })
    server.state.metricsStatus = 503
    expect(await failureOf(connected().poll(started, soak))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(started, soak))).toMatchObject({ kind: 'refused' })
  })
})

describe('Grafana Cloud k6: stop', () => {
  test('aborts a run', async () => {
    await connected().start(soak)
    server.enter('running')
    const outcome = await connected().stop({ id })
    expect(outcome).toMatchObject({ result: 'pass', data: { state: 'aborted/error' } })
    expect(outcome.message).toBe('Stopped test run 5678 (aborted/error)')
  })

  test('passes for a run that has ended, even between the poll and the abort', async () => {
    await connected().start(soak)
    server.enter('completed', { result: 'passed' })
    expect(await connected().stop({ id })).toMatchObject({
      message: 'Test run 5678 had ended already (completed/passed)',
    })
    expect(calls('POST')).toHaveLength(1)
    await grafanaK6.stop(connected().client(), { id })
    expect(run().result).toBe('passed')
  })

  test('reports the reason for a refusal', async () => {
    await connected().start(soak)
    expect((await failureOf(connected().stop({ id }))).message).toContain(
      '409 to POST /cloud/v6/test_runs/5678/abort: Cannot',
    )
    server.state.mayRun = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('403 to POST /cloud/v6/test_runs/5678/abort')
    expect((await failureOf(connected().stop({ id: '1' }))).message).toContain('404 to GET')
  })

  test.each(['x', '../1', '1/2', ''])('rejects the id %j', async (wrong) => {
    await expect(connected().stop({ id: wrong })).rejects.toThrow()
    expect(server.calls).toEqual([])
  })
})
