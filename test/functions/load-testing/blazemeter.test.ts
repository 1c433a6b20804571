import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { blazemeter } from '../../../functions/load-testing/providers/blazemeter.ts'
import { type BlazemeterServer, startBlazemeter } from '../../../infra/platforms/blazemeter.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf } from '../helpers.ts'
import { loadTest } from './load-test.ts'

let server: BlazemeterServer
beforeEach(async () => {
  server = await startBlazemeter()
})
afterEach(() => server.close())

const target = '9876543'
const checkout = { target }
const id = '74512345'
const connected = (fields: object = {}) =>
  loadTest(blazemeter, () => ({
    baseUrl: server.url,
    username: server.username,
    password: server.password,
    ...fields,
  }))
const posts = () => server.calls.filter(({ method }) => method === 'POST')
const summary = {
  id: 'ALL',
  lb: 'ALL',
  hits: 2482,
  failed: 124,
  avg: 147.25,
  min: 3,
  max: 977,
  tp90: 212,
  tp95: null,
  first: 1_700_000_000,
  last: 1_700_000_100,
  duration: 100,
}

describe('BlazeMeter: connection', () => {
  test('the check reads the owner of the key', async () => {
    await blazemeter.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v4/user'])
  })

  test.each([false, true])(
    'an invalid key is a credentials failure without the key (with 200: %s)',
    async (with200) => {
      server.state.saysNoWith200 = with200
      const failure = await failureOf(connected({ password: 'a-wrong-secret' }).start(checkout))
      expect(failure).toMatchObject({ kind: 'credentials' })
      expect(failure.message).toContain('Invalid API key')
      expect(failure.message).not.toContain('a-wrong-secret')
    },
  )

  test('the secret of the key is a secret', () => {
    expect(secretsIn(blazemeter.connection, { password: server.password })).toEqual([server.password])
  })
})

describe('BlazeMeter: start', () => {
  test('runs the test and returns the run at once', async () => {
    const { outcome } = await connected().start(checkout)
    const url = `${server.url}/app/#/masters/${id}`
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`blazemeter ${id}`]: url },
    })
    expect(server.state.masters).toMatchObject([{ test: 'tests/9876543', body: { isDebugRun: false } }])
  })

  test('runs a multi-test by the default of the connection', async () => {
    await connected({ target: 'multi:555' }).start({})
    expect(server.state.masters[0]?.test).toBe('multi-tests/555')
  })

  test('sends parameters as properties', async () => {
    await connected().start({ ...checkout, parameters: { users: 50, host: 'shop.example.com' } })
    const remoteControl = [
      { key: 'users', value: '50' },
      { key: 'host', value: 'shop.example.com' },
    ]
    expect(server.state.masters[0]?.body).toMatchObject({ data: { configuration: { plugins: { remoteControl } } } })
  })

  test.each([
    ['a name', { target: 'Checkout' }, 'input.target must be a test id'],
    ['another path', { target: '../masters/1' }, 'input.target must be a test id'],
    ['a version', { target, ref: 'main' }, 'input.ref is not supported'],
    ['a project', { target, project: '12345' }, 'input.project is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([false, true])('reports the reason that BlazeMeter gives (with 200: %s)', async (with200) => {
    server.state.saysNoWith200 = with200
    const failure = await failureOf(connected().start({ target: '1' }))
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toBe('BlazeMeter answered 404 to POST /api/v4/tests/1/start: Not Found: Test not found')
    server.state.mayWrite = false
    expect((await failureOf(connected().start(checkout))).message).toContain('403 to POST')
  })

  test('returns Retry-After of BlazeMeter', async () => {
    server.failNext(429, { error: { code: 429, message: 'Too many requests' } }, { headers: { 'retry-after': '7' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, retryAfter: 7 })
  })
})

describe('BlazeMeter: start with an unknown outcome', () => {
  test('is not retried, because runs have no key', async () => {
    server.loseNext('POST')
    const failure = await failureOf(connected().start(checkout))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('Check BlazeMeter before you repeat the call')
    expect(await failureOf(connected().start(checkout, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(posts()).toHaveLength(1)
  })

  test.each([
    ['a page', 502, '<html>'],
    ['an error in a 200', 200, { error: { code: 500, message: 'Internal error' }, result: null }],
  ])('%s is one, too', async (_what, status, body) => {
    server.failNext(status, body, { on: 'POST', done: true })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ kind: 'doubtful' })
  })

  test('BlazeMeter being unreachable is not one', async () => {
    await server.close()
    expect(await failureOf(connected().start(checkout))).toMatchObject({ kind: 'platform', mayHaveWritten: false })
  })
})

describe('BlazeMeter: run', () => {
  test.each([
    ['CREATED', 0],
    ['BOOTING', 20],
    ['DATA_RECEIVED', 100],
    ['TAURUS IMAGE DOWNLOADING', 15],
  ])('keeps running in the state %s', async (status, progress) => {
    const started = await connected().start(checkout)
    Object.assign(server.state.masters[0] ?? {}, { status, progress })
    expect(await connected().poll(started, checkout)).toMatchObject({ status: status })
  })

  test.each([
    ['pass', 'succeeded', 'pass'],
    ['fail', 'succeeded', 'fail'],
    ['unset', 'succeeded', 'warning'],
    ['abort', 'aborted', 'fail'],
    ['error', 'errored', 'fail'],
    ['noData', 'errored', 'fail'],
  ])('ending with %s, is %s, %s', async (reportStatus, status, result) => {
    const started = await connected().start(checkout)
    server.finish(reportStatus)
    const ended = await connected().end(started, checkout)
    expect(ended).toMatchObject({ status, result, data: { id, state: `ENDED/${reportStatus}` } })
  })

  test.each(['pass', 'fail'])('of a test without criteria has the verdict of the connection: %s', async (noVerdict) => {
    const started = await connected().start(checkout)
    server.finish('unset')
    const ended = await connected({ noVerdict }).end(started, checkout)
    expect(ended).toMatchObject({ status: 'succeeded', result: noVerdict })
    expect(ended.message).toContain('its test has no failure criteria')
  })

  test('keeps running with an unknown or missing verdict', async () => {
    const started = await connected().start(checkout)
    server.finish('exploded')
    expect(await connected().poll(started, checkout)).toMatchObject({
      status: 'ENDED/exploded (unknown state)',
    })
    server.finish(null, { ended: null })
    expect(await connected().poll(started, checkout)).toMatchObject({ status: 'ENDED' })
  })

  test('reports its numbers, which thresholds can use', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'p90', op: '<', value: 200 }] }
    const started = await connected().start(input)
    server.finish('pass', { summary })
    const numbers = {
      mean: 147.25,
      min: 3,
      max: 977,
      p90: 212,
      requests: 2482,
      errors: 124,
      errorRate: 0.04995971,
      rps: 24.82,
    }
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({ result: 'fail', data: { ...numbers, duration: 100 } })
    expect(ended.data).not.toHaveProperty('p95')
    expect(ended.message).toContain('p90 is 212, not < 200')
  })

  test('names the failed criteria', async () => {
    const started = await connected().start(checkout)
    const failures = [{ label: 'ALL', kpi: 'responseTime.avg', op: 'gt', value: 100, nested: {} }]
    server.finish('fail', { failures, errors: [{ code: 0, message: 'Session failed' }] })
    const ended = await connected().end(started, checkout)
    expect(ended.message).toContain('label ALL, kpi responseTime.avg, op gt, value 100; Session failed')
    expect(ended.data['failedCriteria']).toEqual([{ label: 'ALL', kpi: 'responseTime.avg', op: 'gt', value: 100 }])
  })

  test('keeps running while BlazeMeter is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ transient: true })
    server.state.masters = []
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ kind: 'refused' })
  })
})

describe('BlazeMeter: stop-test', () => {
  test('stops a run gracefully', async () => {
    await connected().start(checkout)
    const outcome = await connected().stop({ id: Number(id) })
    expect(outcome).toMatchObject({ result: 'pass', message: `Stopped test run ${id} (ENDED/unset)` })
    expect(posts().at(-1)?.path).toBe(`/api/v4/masters/${id}/stop`)
  })

  test('waits for a run that is still running', async () => {
    await connected().start(checkout)
    server.state.stubborn = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still CREATED' })
  })

  test('passes for a run that has ended', async () => {
    await connected().start(checkout)
    server.finish('pass')
    expect((await connected().stop({ id })).message).toBe(`Test run ${id} had ended already (ENDED/pass)`)
    expect(posts()).toHaveLength(1)
  })

  test('reports the reason that BlazeMeter gives for a refusal', async () => {
    await connected().start(checkout)
    server.state.mayWrite = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('do not have permission to stop')
    expect((await failureOf(connected().stop({ id: '1' }))).message).toContain('404 to GET')
    expect((await failureOf(connected().stop({ id: '1/x' }))).message).toContain('such as 74512345')
  })
})
