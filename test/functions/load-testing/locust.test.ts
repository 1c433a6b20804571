import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { locust } from '../../../functions/load-testing/providers/locust.ts'
import { type LocustServer, startLocust } from '../../../infra/platforms/locust.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf } from '../helpers.ts'
import { loadTest } from './load-test.ts'

let server: LocustServer
beforeEach(async () => {
  server = await startLocust()
})
afterEach(async () => {
  jest.restoreAllMocks()
  await server.close()
})

const connected = (fields: object = {}) =>
  loadTest(locust, () => ({ baseUrl: server.url, username: 'robot', password: server.password, ...fields }))
const host = 'https://shop.example.com'
const minute = { target: host, parameters: { user_count: 20, spawn_rate: 2.5, run_time: 'PT1M' } }
const calls = (method: string) => server.calls.filter((call) => call.method === method)
/** Advances the clock by the given seconds. */
const pass = (seconds: number) => {
  const now = Date.now() + seconds * 1_000
  jest.spyOn(Date, 'now').mockReturnValue(now)
}

describe('Locust: connection', () => {
  test('the check reads the statistics', async () => {
    await locust.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/stats/requests'])
  })

  test('an invalid password is a credentials failure without the password', async () => {
    const failure = await failureOf(connected({ password: 'a-wrong-password' }).start(minute))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain('a-wrong-password')
  })

  test('the password is an optional secret', () => {
    expect(secretsIn(locust.connection, { password: server.password })).toEqual([server.password])
    expect(locust.headers(locust.connection.parse({ baseUrl: server.url }))).toEqual({})
  })
})

describe('Locust: start', () => {
  test('starts a swarm and returns at once', async () => {
    const { outcome } = await connected().start(minute)
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { url: server.url, state: 'started' } })
    expect(outcome.message).toMatch(/^Started load test 20\d\d-.+Z: 20 users, 2\.5 more each second, for 1 min$/)
    expect(server.state.starts).toEqual([{ user_count: '20', spawn_rate: '2.5', run_time: '60s', host }])
  })

  test('takes the host from the connection, or from the locustfile', async () => {
    await connected({ target: host }).start({ parameters: { run_time: 90 } })
    server.finish()
    await connected().start({ ...minute, target: 'locustfile' })
    expect(server.state.starts).toMatchObject([
      { user_count: '1', spawn_rate: '1', run_time: '90s', host },
      { user_count: '20' },
    ])
    expect(server.state.starts[1]).not.toHaveProperty('host')
  })

  test('sends user classes, shapes and arguments of the locustfile', async () => {
    const parameters = { ...minute.parameters, user_classes: 'Shop, Admin', shape_class: 'Waves', region: 'eu&host=x' }
    await connected().start({ ...minute, parameters })
    expect(server.state.starts[0]).toMatchObject({
      user_classes: ['Shop', 'Admin'],
      shape_class: 'Waves',
      region: 'eu&host=x',
      host,
    })
  })

  test.each([
    ['a missing run_time', { parameters: { user_count: 1 } }, 'input.parameters.run_time'],
    ['zero users', { parameters: { user_count: 0, run_time: 1 } }, 'input.parameters.user_count'],
    ['a spawn rate of zero', { parameters: { spawn_rate: 0, run_time: 1 } }, 'input.parameters.spawn_rate'],
    ['the host as a parameter', { parameters: { run_time: 1, host } }, 'input.parameters.host is not supported'],
    ['an invalid host', { target: 'checkout' }, 'such as https://shop.example.com, or locustfile'],
    ['credentials in the target', { target: 'https://user:pass@shop.example.com' }, 'input.target must be a host'],
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['a ref', { ref: 'main' }, 'input.ref is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...minute, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that Locust gives', async () => {
    server.failNext(200, { success: false, message: 'No runner', host: null }, { on: 'POST' })
    const failure = await failureOf(connected().start(minute))
    expect(failure).toMatchObject({ kind: 'refused', message: 'Locust did not start the test: No runner.' })
  })

  test.each(['spawning', 'running', 'cleanup', 'stopping'])('waits while another test is %s', async (state) => {
    Object.assign(server.state, { state, users: 7 })
    const failure = await failureOf(connected().start(minute))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(failure.message).toBe(`Locust is running another test (${state}), and can run only one at a time.`)
    expect(server.state.starts).toEqual([])
  })

  test('returns Retry-After of a gateway', async () => {
    server.failNext(429, 'Slow down', { on: 'POST', headers: { 'retry-after': '7' } })
    expect(await failureOf(connected().start(minute))).toMatchObject({
      transient: true,
      retryAfter: 7,
      mayHaveWritten: false,
    })
  })

  test('reports the reason of a gateway', async () => {
    server.failNext(403, { message: 'Not you' }, { on: 'POST' })
    const failure = await failureOf(connected().start(minute))
    expect(failure).toMatchObject({ kind: 'refused', message: 'Locust answered 403 to POST /swarm: Not you' })
  })

  test('is transient if nothing was sent', async () => {
    server.down()
    expect(await failureOf(connected().start(minute))).toMatchObject({ transient: true, mayHaveWritten: false })
  })
})

describe('Locust: start with a lost response', () => {
  test('is not retried if a test is running or has run', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(minute))).toMatchObject({ transient: true, mayHaveWritten: true })
    for (const state of ['running', 'stopped']) {
      server.state.state = state
      const failure = await failureOf(connected().start(minute, { isRetry: true }))
      expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
      expect(failure.message).toContain('Check Locust before you repeat the call')
    }
    expect(server.state.starts).toHaveLength(1)
  })

  test('reads a state that is not cached', async () => {
    Object.assign(server.state, { state: 'running', stale: 1, before: 'ready' })
    expect(await failureOf(connected().start(minute, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
  })

  test('waits for the cache if there is no other state', async () => {
    Object.assign(server.state, { oldPage: true, state: 'running', stale: 100, before: 'ready' })
    // The cached state would be old.
    setTimeout(() => Object.assign(server.state, { stale: 0 }), 2_000)
    expect(await failureOf(connected().start(minute, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
  })

  test('is retried if Locust has run nothing', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(minute))
    await connected().start(minute, { isRetry: true })
    expect(server.state.starts).toHaveLength(1)
  })
})

describe('Locust: test', () => {
  test.each(['spawning', 'running', 'cleanup', 'stopping'])('keeps running in the state %s', async (state) => {
    const started = await connected().start(minute)
    Object.assign(server.state, { state, requests: 40 })
    expect(await connected().poll(started, minute)).toMatchObject({
      status: state,
      progress: `${state}, 20 users, 18.8 requests/s`,
    })
  })

  test('does not end because of a cached state', async () => {
    server.state.state = 'stopped'
    const started = await connected().start(minute)
    server.state.stale = 1
    expect(await connected().poll(started, minute)).toMatchObject({ status: 'starting' })
  })

  test('reports the measurements of the complete test', async () => {
    const started = await connected().start(minute)
    server.finish(135, 13)
    pass(60)
    const ended = await connected().end(started, minute)
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: {
        state: 'stopped',
        requests: 135,
        errors: 13,
        errorRate: 0.096296296,
        rps: 22.9612,
        mean: 23.961,
        min: 21.9378,
        max: 37.5202,
        p50: 23,
        p90: 26,
        p95: 27,
        p99: 38,
      },
      links: { 'locust report': `${server.url}/stats/report` },
    })
    expect(ended.message).toContain(
      "ended as stopped: 13 of 135 requests failed, most with: GET / HTTPError('500 Server Error: Internal Server Error for url: /')",
    )
  })

  test('is judged by thresholds', async () => {
    const input = { ...minute, thresholds: [{ metric: 'p95', op: '<', value: 30, warn: 25 }] }
    const started = await connected().start(input)
    server.finish()
    pass(60)
    expect(await connected().end(started, input)).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('p95 is 27'),
    })
  })

  test.each([
    ['sent no requests', 0, 0, 'it sent no requests'],
    ['had no successful request', 9, 9, '9 of 9 requests failed'],
  ])('fails if it %s', async (_what, requests, failures, reason) => {
    const started = await connected().start(minute)
    server.finish(requests, failures)
    pass(60)
    expect(await connected().end(started, minute)).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining(reason),
    })
  })

  test('is aborted if it was stopped early, regardless of its measurements', async () => {
    const started = await connected().start(minute)
    server.finish(9, 9)
    pass(20)
    expect(await connected().end(started, minute)).toMatchObject({
      status: 'aborted',
      message: expect.stringMatching(/it was stopped (?:40|39) s early; 9 of 9/),
    })
  })

  test('has ended if a LoadTestShape ends it early', async () => {
    server.state.shape = true
    const started = await connected().start(minute)
    server.finish()
    pass(20)
    expect(await connected().end(started, minute)).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  test('is stopped if Locust does not end it in time', async () => {
    server.state.old = true
    const started = await connected().start(minute)
    server.state.state = 'running'
    pass(65)
    await connected().poll(started, minute)
    expect(server.state.stops).toBe(0)
    pass(15)
    expect(await connected().poll(started, minute)).toMatchObject({ status: 'running' })
    expect(server.state.stops).toBe(1)
    server.finish()
    expect(await connected().end(started, minute)).toMatchObject({ result: 'pass' })
  })

  test.each(['ready', 'missing'])('is errored if Locust is %s again', async (state) => {
    const started = await connected().start(minute)
    server.state.state = state
    pass(30)
    expect(await connected().end(started, minute)).toMatchObject({ status: 'errored', result: 'fail', data: { state } })
  })

  test('keeps running in an unknown state', async () => {
    const started = await connected().start(minute)
    server.state.state = 'hatching'
    pass(30)
    expect(await connected().poll(started, minute)).toMatchObject({ status: 'hatching (unknown state)' })
  })

  test('keeps running while Locust is down', async () => {
    const started = await connected().start(minute)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(started, minute))).toMatchObject({ transient: true })
  })

  test('is stopped at the deadline, which is not its own end', async () => {
    const started = await connected().start(minute)
    server.state.state = 'running'
    expect(await connected().stopAtDeadline(started, minute)).toBe(true)
    pass(6)
    expect(await connected().end(started, minute)).toMatchObject({ status: 'aborted' })
  })
})

describe('Locust: stop', () => {
  test.each(['current', '2026-11-24T18:47:17.123Z'])('stops the running test, by %s', async (id) => {
    await connected().start(minute)
    server.state.state = 'running'
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Stopped load test ${id} (stopped)`,
    })
  })

  test('passes if nothing is running', async () => {
    server.finish()
    expect(await connected().stop({ id: 'current' })).toMatchObject({
      message: 'Load test current had ended already (stopped)',
    })
    expect(server.state.stops).toBe(0)
  })

  test('reports the reason for a refusal', async () => {
    server.state.state = 'running'
    server.failNext(403, { message: 'Not you' })
    expect((await failureOf(connected().stop({ id: 'current' }))).message).toContain(
      '403 to GET /stats/requests: Not you',
    )
  })

  test('rejects an invalid id', async () => {
    const failure = await failureOf(connected().stop({ id: 'x' }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('must be the data.id') })
    expect(calls('GET')).toEqual([])
  })
})
