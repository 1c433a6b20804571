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
/** As if so much time had passed, in seconds. */
const pass = (seconds: number) => {
  const now = Date.now() + seconds * 1_000
  jest.spyOn(Date, 'now').mockReturnValue(now)
}

describe('the connection', () => {
  test('is checked with a look at the statistics', async () => {
    await locust.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/stats/requests'])
  })

  test('says that its password is wrong, and not which', async () => {
    const failure = await failureOf(connected({ password: 'a-wrong-password' }).start(minute))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain('a-wrong-password')
  })

  test('has its password masked wherever it turns up, and does without one', () => {
    expect(secretsIn(locust.connection, { password: server.password })).toEqual([server.password])
    expect(locust.headers(locust.connection.parse({ baseUrl: server.url }))).toEqual({})
  })
})

describe('a start', () => {
  test('swarms, and answers at once', async () => {
    const { outcome } = await connected().start(minute)
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { url: server.url, state: 'started' } })
    expect(outcome.message).toMatch(/^Started load test 20\d\d-.+Z: 20 users, 2\.5 more each second, for 1 min$/)
    expect(server.state.starts).toEqual([{ user_count: '20', spawn_rate: '2.5', run_time: '60s', host }])
  })

  test('takes the host from the connection, or leaves it to the locustfile', async () => {
    await connected({ target: host }).start({ parameters: { run_time: 90 } })
    server.finish()
    await connected().start({ ...minute, target: 'locustfile' })
    expect(server.state.starts).toMatchObject([
      { user_count: '1', spawn_rate: '1', run_time: '90s', host },
      { user_count: '20' },
    ])
    expect(server.state.starts[1]).not.toHaveProperty('host')
  })

  test('gives classes of users, shapes and arguments of the locustfile', async () => {
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
    ['no time to run', { parameters: { user_count: 1 } }, 'input.parameters.run_time'],
    ['no users', { parameters: { user_count: 0, run_time: 1 } }, 'input.parameters.user_count'],
    ['no rate', { parameters: { spawn_rate: 0, run_time: 1 } }, 'input.parameters.spawn_rate'],
    ['a host in two places', { parameters: { run_time: 1, host } }, 'input.parameters.host is input.target here'],
    ['a target that is no host', { target: 'checkout' }, 'write it like https://shop.example.com, or locustfile'],
    ['credentials in its target', { target: 'https://user:pass@shop.example.com' }, 'input.target is no host'],
    ['a project', { project: 'shop' }, 'input.project is of no use'],
    ['a ref', { ref: 'main' }, 'input.ref is of no use'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...minute, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('says in the words of Locust why it did not start', async () => {
    server.failNext(200, { success: false, message: 'No runner', host: null }, { on: 'POST' })
    const failure = await failureOf(connected().start(minute))
    expect(failure).toMatchObject({ kind: 'refused', message: 'Locust did not start the test: No runner.' })
  })

  test.each(['spawning', 'running', 'cleanup', 'stopping'])('waits while another test is %s', async (state) => {
    Object.assign(server.state, { state, users: 7 })
    const failure = await failureOf(connected().start(minute))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, afterWrite: false })
    expect(failure.message).toBe(`Locust runs another test (${state}), and can run one at a time.`)
    expect(server.state.starts).toEqual([])
  })

  test('stays away for as long as a gateway asks for', async () => {
    server.failNext(429, 'Slow down', { on: 'POST', headers: { 'retry-after': '7' } })
    expect(await failureOf(connected().start(minute))).toMatchObject({
      transient: true,
      retryAfter: 7,
      afterWrite: false,
    })
  })

  test('says what a gateway has against it', async () => {
    server.failNext(403, { message: 'Not you' }, { on: 'POST' })
    const failure = await failureOf(connected().start(minute))
    expect(failure).toMatchObject({ kind: 'refused', message: 'Locust answered 403 to POST /swarm: Not you' })
  })

  test('can be tried again where nothing was sent', async () => {
    server.down()
    expect(await failureOf(connected().start(minute))).toMatchObject({ transient: true, afterWrite: false })
  })
})

describe('a start whose answer was lost', () => {
  test('is not repeated where a test runs, or has run', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(minute))).toMatchObject({ transient: true, afterWrite: true })
    for (const state of ['running', 'stopped']) {
      server.state.state = state
      const failure = await failureOf(connected().start(minute, { isRetry: true }))
      expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
      expect(failure.message).toContain('look at Locust before you repeat it')
    }
    expect(server.state.starts).toHaveLength(1)
  })

  test('is not taken for lost since the state is cached', async () => {
    Object.assign(server.state, { state: 'running', stale: 1, before: 'ready' })
    expect(await failureOf(connected().start(minute, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
  })

  test('is not taken for lost where only the cache can be asked', async () => {
    Object.assign(server.state, { oldPage: true, state: 'running', stale: 100, before: 'ready' })
    // What would be told at once is old.
    setTimeout(() => Object.assign(server.state, { stale: 0 }), 2_000)
    expect(await failureOf(connected().start(minute, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
  })

  test('is repeated where Locust has run nothing', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(minute))
    await connected().start(minute, { isRetry: true })
    expect(server.state.starts).toHaveLength(1)
  })
})

describe('a test', () => {
  test.each(['spawning', 'running', 'cleanup', 'stopping'])('that is %s goes on', async (state) => {
    const begun = await connected().start(minute)
    Object.assign(server.state, { state, requests: 40 })
    expect(await connected().poll(begun, minute)).toMatchObject({
      status: state,
      progress: `${state}, 20 users, 18.8 requests/s`,
    })
  })

  test('is not taken for ended since the state is cached', async () => {
    server.state.state = 'stopped'
    const begun = await connected().start(minute)
    server.state.stale = 1
    expect(await connected().poll(begun, minute)).toMatchObject({ status: 'starting' })
  })

  test('that has ended tells what was measured of all of it', async () => {
    const begun = await connected().start(minute)
    server.finish(135, 13)
    pass(60)
    const ended = await connected().end(begun, minute)
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: {
        ...{ state: 'stopped', requests: 135, errors: 13, errorRate: 0.096296296, rps: 22.9612 },
        ...{ mean: 23.961, min: 21.9378, max: 37.5202, p50: 23, p90: 26, p95: 27, p99: 38 },
      },
      links: { 'locust report': `${server.url}/stats/report` },
    })
    expect(ended.message).toContain(
      "ended as stopped: 13 of 135 requests failed, most with: GET / HTTPError('500 Server Error: Internal Server Error for url: /')",
    )
  })

  test('is held against thresholds', async () => {
    const input = { ...minute, thresholds: [{ metric: 'p95', op: '<', value: 30, warn: 25 }] }
    const begun = await connected().start(input)
    server.finish()
    pass(60)
    expect(await connected().end(begun, input)).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('p95 is 27'),
    })
  })

  test.each([
    ['made no request', 0, 0, 'it made no request'],
    ['had no success', 9, 9, '9 of 9 requests failed'],
  ])('that %s fails', async (_what, requests, failures, reason) => {
    const begun = await connected().start(minute)
    server.finish(requests, failures)
    pass(60)
    expect(await connected().end(begun, minute)).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining(reason),
    })
  })

  test('that somebody stopped before its time is aborted, whatever it measured', async () => {
    const begun = await connected().start(minute)
    server.finish(9, 9)
    pass(20)
    expect(await connected().end(begun, minute)).toMatchObject({
      status: 'aborted',
      message: expect.stringMatching(/it was stopped (?:40|39) s before its time; 9 of 9/),
    })
  })

  test('that a shape ends before its time has ended', async () => {
    server.state.shape = true
    const begun = await connected().start(minute)
    server.finish()
    pass(20)
    expect(await connected().end(begun, minute)).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  test('that Locust does not end is stopped when its time is over', async () => {
    server.state.old = true
    const begun = await connected().start(minute)
    server.state.state = 'running'
    pass(65)
    await connected().poll(begun, minute)
    expect(server.state.stops).toBe(0)
    pass(15)
    expect(await connected().poll(begun, minute)).toMatchObject({ status: 'running' })
    expect(server.state.stops).toBe(1)
    server.finish()
    expect(await connected().end(begun, minute)).toMatchObject({ result: 'pass' })
  })

  test.each(['ready', 'missing'])('is lost where Locust is %s again', async (state) => {
    const begun = await connected().start(minute)
    server.state.state = state
    pass(30)
    expect(await connected().end(begun, minute)).toMatchObject({ status: 'errored', result: 'fail', data: { state } })
  })

  test('in a state that is not known goes on', async () => {
    const begun = await connected().start(minute)
    server.state.state = 'hatching'
    pass(30)
    expect(await connected().poll(begun, minute)).toMatchObject({ status: 'hatching (unknown state)' })
  })

  test('is looked at again where Locust is down', async () => {
    const begun = await connected().start(minute)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(begun, minute))).toMatchObject({ transient: true })
  })

  test('is stopped at a deadline, which is no end of its own', async () => {
    const begun = await connected().start(minute)
    server.state.state = 'running'
    expect(await connected().stopAtDeadline(begun, minute)).toBe(true)
    pass(6)
    expect(await connected().end(begun, minute)).toMatchObject({ status: 'aborted' })
  })
})

describe('a stop', () => {
  test.each(['current', '2026-11-24T18:47:17.123Z'])('ends what runs, by %s', async (id) => {
    await connected().start(minute)
    server.state.state = 'running'
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Stopped load test ${id} (stopped)`,
    })
  })

  test('passes where nothing runs', async () => {
    server.finish()
    expect(await connected().stop({ id: 'current' })).toMatchObject({
      message: 'Load test current had ended already (stopped)',
    })
    expect(server.state.stops).toBe(0)
  })

  test('says why it can not be', async () => {
    server.state.state = 'running'
    server.failNext(403, { message: 'Not you' })
    expect((await failureOf(connected().stop({ id: 'current' }))).message).toContain(
      '403 to GET /stats/requests: Not you',
    )
  })

  test('refuses an id that is none', async () => {
    const failure = await failureOf(connected().stop({ id: 'x' }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('write data.id') })
    expect(calls('GET')).toEqual([])
  })
})
