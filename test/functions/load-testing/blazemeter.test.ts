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
  ...{ id: 'ALL', lb: 'ALL', hits: 2482, failed: 124, avg: 147.25, min: 3, max: 977, tp90: 212, tp95: null },
  ...{ first: 1_700_000_000, last: 1_700_000_100, duration: 100 },
}

describe('the connection', () => {
  test('is checked with who the key belongs to', async () => {
    await blazemeter.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v4/user'])
  })

  test.each([false, true])('says that a key is wrong, and not which (with 200: %s)', async (with200) => {
    server.state.saysNoWith200 = with200
    const failure = await failureOf(connected({ password: 'a-wrong-secret' }).start(checkout))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('Invalid API key')
    expect(failure.message).not.toContain('a-wrong-secret')
  })

  test('has the secret of its key masked wherever it turns up', () => {
    expect(secretsIn(blazemeter.connection, { password: server.password })).toEqual([server.password])
  })
})

describe('a start', () => {
  test('runs the test, and answers the run at once', async () => {
    const { outcome } = await connected().start(checkout)
    const url = `${server.url}/app/#/masters/${id}`
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`blazemeter ${id}`]: url },
    })
    expect(server.state.masters).toMatchObject([{ test: 'tests/9876543', body: { isDebugRun: false } }])
  })

  test('runs a multi-test, by the default of the connection', async () => {
    await connected({ target: 'multi:555' }).start({})
    expect(server.state.masters[0]?.test).toBe('multi-tests/555')
  })

  test('gives parameters as properties', async () => {
    await connected().start({ ...checkout, parameters: { users: 50, host: 'shop.example.com' } })
    const remoteControl = [
      { key: 'users', value: '50' },
      { key: 'host', value: 'shop.example.com' },
    ]
    expect(server.state.masters[0]?.body).toMatchObject({ data: { configuration: { plugins: { remoteControl } } } })
  })

  test.each([
    ['a name', { target: 'Checkout' }, 'input.target is no test'],
    ['another path', { target: '../masters/1' }, 'input.target is no test'],
    ['a version', { target, ref: 'main' }, 'input.ref is of no use'],
    ['a project', { target, project: '12345' }, 'input.project is of no use'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([false, true])('says in the words of BlazeMeter what it refuses (with 200: %s)', async (with200) => {
    server.state.saysNoWith200 = with200
    const failure = await failureOf(connected().start({ target: '1' }))
    expect(failure).toMatchObject({ kind: 'refused', afterWrite: false })
    expect(failure.message).toBe('BlazeMeter answered 404 to POST /api/v4/tests/1/start: Not Found: Test not found')
    server.state.mayWrite = false
    expect((await failureOf(connected().start(checkout))).message).toContain('403 to POST')
  })

  test('waits as long as BlazeMeter asks for', async () => {
    server.failNext(429, { error: { code: 429, message: 'Too many requests' } }, { headers: { 'retry-after': '7' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, retryAfter: 7 })
  })
})

describe('a start that is in doubt', () => {
  test('is not repeated, since no run can be looked up', async () => {
    server.loseNext('POST')
    const failure = await failureOf(connected().start(checkout))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('look at BlazeMeter before you repeat it')
    expect(await failureOf(connected().start(checkout, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(posts()).toHaveLength(1)
  })

  test.each([
    ['a page', 502, '<html>'],
    ['an error in a 200', 200, { error: { code: 500, message: 'Internal error' }, result: null }],
  ])('is so after %s, too', async (_what, status, body) => {
    server.failNext(status, body, { on: 'POST', done: true })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ kind: 'doubtful' })
  })

  test('is none where BlazeMeter could not be reached', async () => {
    await server.close()
    expect(await failureOf(connected().start(checkout))).toMatchObject({ kind: 'platform', afterWrite: false })
  })
})

describe('a run', () => {
  test.each([
    ['CREATED', 0],
    ['BOOTING', 20],
    ['DATA_RECEIVED', 100],
    ['TAURUS IMAGE DOWNLOADING', 15],
  ])('that is %s goes on', async (status, progress) => {
    const begun = await connected().start(checkout)
    Object.assign(server.state.masters[0] ?? {}, { status, progress })
    expect(await connected().poll(begun, checkout)).toMatchObject({ status: status })
  })

  test.each([
    ['pass', 'succeeded', 'pass'],
    ['fail', 'succeeded', 'fail'],
    ['unset', 'succeeded', 'warning'],
    ['abort', 'aborted', 'fail'],
    ['error', 'errored', 'fail'],
    ['noData', 'errored', 'fail'],
  ])('that ends with %s is %s, %s', async (reportStatus, status, result) => {
    const begun = await connected().start(checkout)
    server.finish(reportStatus)
    const ended = await connected().end(begun, checkout)
    expect(ended).toMatchObject({ status, result, data: { id, state: `ENDED/${reportStatus}` } })
  })

  test.each(['pass', 'fail'])('of a test without criteria is what the connection says: %s', async (noVerdict) => {
    const begun = await connected().start(checkout)
    server.finish('unset')
    const ended = await connected({ noVerdict }).end(begun, checkout)
    expect(ended).toMatchObject({ status: 'succeeded', result: noVerdict })
    expect(ended.message).toContain('its test has no failure criteria')
  })

  test('with a verdict that is not known, or not there yet, goes on', async () => {
    const begun = await connected().start(checkout)
    server.finish('exploded')
    expect(await connected().poll(begun, checkout)).toMatchObject({
      status: 'ENDED/exploded (unknown state)',
    })
    server.finish(null, { ended: null })
    expect(await connected().poll(begun, checkout)).toMatchObject({ status: 'ENDED' })
  })

  test('tells its numbers, which thresholds are held against', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'p90', op: '<', value: 200 }] }
    const begun = await connected().start(input)
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
    const ended = await connected().end(begun, input)
    expect(ended).toMatchObject({ result: 'fail', data: { ...numbers, duration: 100 } })
    expect(ended.data).not.toHaveProperty('p95')
    expect(ended.message).toContain('p90 is 212, not < 200')
  })

  test('names the criteria that failed', async () => {
    const begun = await connected().start(checkout)
    const failures = [{ label: 'ALL', kpi: 'responseTime.avg', op: 'gt', value: 100, nested: {} }]
    server.finish('fail', { failures, errors: [{ code: 0, message: 'Session failed' }] })
    const ended = await connected().end(begun, checkout)
    expect(ended.message).toContain('label ALL, kpi responseTime.avg, op gt, value 100; Session failed')
    expect(ended.data['failedCriteria']).toEqual([{ label: 'ALL', kpi: 'responseTime.avg', op: 'gt', value: 100 }])
  })

  test('is looked at again where BlazeMeter is down, and refused where it is gone', async () => {
    const begun = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(begun, checkout))).toMatchObject({ transient: true })
    server.state.masters = []
    expect(await failureOf(connected().poll(begun, checkout))).toMatchObject({ kind: 'refused' })
  })
})

describe('stop-test', () => {
  test('ends a run gently', async () => {
    await connected().start(checkout)
    const outcome = await connected().stop({ id: Number(id) })
    expect(outcome).toMatchObject({ result: 'pass', message: `Stopped test run ${id} (ENDED/unset)` })
    expect(posts().at(-1)?.path).toBe(`/api/v4/masters/${id}/stop`)
  })

  test('waits for a run that goes on', async () => {
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

  test('says why BlazeMeter does not do it', async () => {
    await connected().start(checkout)
    server.state.mayWrite = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('do not have permission to stop')
    expect((await failureOf(connected().stop({ id: '1' }))).message).toContain('404 to GET')
    expect((await failureOf(connected().stop({ id: '1/x' }))).message).toContain('write it like 74512345')
  })
})
