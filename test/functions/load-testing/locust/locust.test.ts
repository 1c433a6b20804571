import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { locust } from '../../../../functions/load-testing/locust/locust.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { advanceClock } from '../../clock.ts'
import { expectFailure, failureOf, pauses } from '../../helpers.ts'
import { loadTestActions } from '../../job-actions.ts'
import { jobRow } from './fake.ts'

afterEach(() => void jest.restoreAllMocks())

const host = 'https://shop.example.com'
const minute = { target: host, parameters: { user_count: 20, spawn_rate: 2.5, run_time: 'PT1M' } }
const become = (changes: object) => Object.assign(server.state, changes)
/** Ends a test that has sent these requests after the given seconds. */
const endAfter = (seconds: number, [requests, failures]: number[] = [], input: object = minute) => {
  become({ shape: false })
  return connected().endAfter(input, () => {
    server.finish(requests, failures)
    advanceClock(seconds)
  })
}

const { server, connected } = jobConformance(locust, loadTestActions, jobRow, {
  states: {
    running: ['spawning', 'running', 'cleanup', 'stopping'],
    pass: ['stopped'],
    errored: ['ready', 'missing'],
  },
  unsupported: ['project', 'ref'],
  invalidStarts: [
    { name: 'a missing run_time', input: { parameters: { user_count: 1 } }, message: 'input.parameters.run_time' },
    {
      name: 'zero users',
      input: { parameters: { user_count: 0, run_time: 1 } },
      message: 'input.parameters.user_count',
    },
    {
      name: 'a spawn rate of zero',
      input: { parameters: { spawn_rate: 0, run_time: 1 } },
      message: 'input.parameters.spawn_rate',
    },
    {
      name: 'the host as a parameter',
      input: { parameters: { run_time: 1, host } },
      message: 'input.parameters.host is not supported',
    },
    {
      name: 'an invalid host',
      input: { target: 'checkout' },
      message: 'such as https://shop.example.com, or locustfile',
    },
    {
      name: 'credentials in the target',
      input: { target: 'https://user:pass@shop.example.com' },
      message: 'input.target must be a host',
    },
  ],
  check: ['GET /stats/requests'],
  ignored: /^\/stop$|\/csv$/,
  refused: [
    {
      name: 'a success without a start',
      change: ({ failNext }) => failNext(200, { success: false, message: 'No runner', host: null }, { on: 'POST' }),
      reason: 'Locust did not start the test: No runner.',
    },
    {
      name: 'a right',
      change: ({ failNext }) => failNext(403, { message: 'Not you' }, { on: 'POST' }),
      reason: '403 to POST /swarm: Not you',
    },
  ],
  waits: ['spawning', 'running', 'cleanup', 'stopping'].map((state) => ({
    name: `a test that is ${state}`,
    change: withState({ state, users: 7 }),
    reason: `Locust is running another test (${state}), and can run only one at a time.`,
  })),
  lost: ['running', 'stopped'].map((state) => ({
    name: `if a test is or was ${state}`,
    change: withState({ state }),
  })),
  reports: [
    {
      name: 'its users and its rate',
      change: withState({ state: 'running', requests: 40 }),
      reported: { progress: 'running, 2 users, 18.8 requests/s' },
    },
  ],
  invalidIds: { ids: ['x', '../x'], message: 'must be the data.id' },
})

test('Locust: credentials are optional', () => {
  expect(locust.headers(locust.connection.parse({ baseUrl: server.url }))).toEqual({})
})

describe('Locust: start', () => {
  test('starts a swarm and describes the load', async () => {
    const { outcome } = await connected().start(minute)
    expect(outcome.message).toMatch(/^Started load test 20\d\d-.+Z: 20 users, 2\.5 more each second, for 1 min$/)
    expect(server.state.starts).toEqual([{ user_count: '20', spawn_rate: '2.5', run_time: '60s', host }])
  })

  test('takes the number of users by default, and the host from the locustfile', async () => {
    await connected().start({ target: 'locustfile', parameters: { run_time: 90 } })
    expect(server.state.starts).toEqual([{ user_count: '1', spawn_rate: '1', run_time: '90s' }])
  })

  test('sends user classes, shapes and arguments of the locustfile', async () => {
    const more = { shape_class: 'Waves', region: 'eu&host=x' }
    const parameters = { ...minute.parameters, user_classes: 'Shop, Admin', ...more }
    await connected().start({ ...minute, parameters })
    expect(server.state.starts[0]).toMatchObject({ user_classes: ['Shop', 'Admin'], ...more, host })
  })
})

describe('Locust: retry of a start', () => {
  const retry = () => connected().start(minute, { isRetry: true })

  test('reads a state that is not cached', async () => {
    become({ state: 'running', stale: 1, before: 'ready' })
    await expectFailure(retry(), 'unconfirmed')
  })

  test('waits for the cache if there is no other state', async () => {
    become({ oldPage: true, state: 'running', before: 'ready' })
    const isOld = () => !pauses.some((pause) => pause > 2_000)
    Object.defineProperty(server.state, 'stale', { get: () => Number(isOld()), set: () => {} })
    await expectFailure(retry(), 'unconfirmed')
  })

  test('starts a test if Locust has run nothing', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(minute))
    await retry()
    expect(server.state.starts).toHaveLength(1)
  })
})

describe('Locust: test', () => {
  test('does not end because of a cached state', async () => {
    become({ state: 'stopped' })
    expect(await connected().pollAfter(minute, () => become({ stale: 1 }))).toMatchObject({ status: 'starting' })
  })

  test('reports the measurements of the complete test', async () => {
    const ended = await endAfter(60, [135, 13])
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      links: { 'locust report': `${server.url}/stats/report` },
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
    })
    expect(ended.message).toContain(
      "ended as stopped: 13 of 135 requests failed, most with: GET / HTTPError('500 Server Error: Internal Server Error for url: /')",
    )
  })

  test('is judged by thresholds', async () => {
    const input = { ...minute, thresholds: [{ metric: 'p95', op: '<', value: 30, warn: 25 }] }
    const { result, message } = await endAfter(60, [], input)
    expect(`${result}: ${message}`).toMatch(/^warning: .*p95 is 27/)
  })

  test.each([
    ['fails if it sent no requests', 60, [0, 0], 'succeeded', /it sent no requests/],
    ['fails if it had no successful request', 60, [9, 9], 'succeeded', /9 of 9 requests failed/],
    ['is aborted if it was stopped early', 20, [9, 9], 'aborted', /it was stopped (?:40|39) s early; 9 of 9/],
  ])('%s', async (_what, seconds, requests, status, reason) => {
    const ended = await endAfter(seconds, requests)
    expect(ended).toMatchObject({ status, result: 'fail', message: expect.stringMatching(reason) })
  })

  test('is stopped if Locust does not end it in time', async () => {
    become({ old: true })
    const started = await connected().start(minute)
    become({ state: 'running' })
    for (const [seconds, stops] of [
      [65, 0],
      [15, 1],
    ] as const) {
      advanceClock(seconds)
      expect(await connected().poll(started, minute)).toMatchObject({ status: 'running' })
      expect(server.state.stops).toBe(stops)
    }
    server.finish()
    expect(await connected().end(started, minute)).toMatchObject({ result: 'pass' })
  })

  test('that is stopped at the deadline is aborted', async () => {
    become({ shape: false })
    const started = await connected().start(minute)
    become({ state: 'running' })
    await connected().stopAtDeadline(started, minute)
    advanceClock(6)
    expect(await connected().end(started, minute)).toMatchObject({ status: 'aborted' })
  })
})

test.each(['current', '2026-11-24T18:47:17.123Z'])('Locust: stop stops the running test once, by %s', async (id) => {
  become({ state: 'running' })
  expect((await connected().stop({ id })).message).toBe(`Stopped load test ${id} (stopped)`)
  await connected().stop({ id })
  expect(server.state.stops).toBe(1)
})
