import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { gatling } from '../../../functions/load-testing/providers/gatling.ts'
import { type GatlingServer, startGatling } from '../../../infra/platforms/gatling.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { loadTest } from './load-test.ts'

let server: GatlingServer
beforeEach(async () => {
  server = await startGatling()
})
afterEach(() => server.close())

const connected = (fields: object = {}) =>
  loadTest(gatling, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const checkout = { target: 'kqCL3sMdpbcTDBUwQZKx7Q' }
const id = 'run-1-of-the-test'
const url = `https://cloud.gatling.io/o/acme/runs/${id}`
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const run = () => {
  const found = server.state.runs.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}

describe('Gatling: connection', () => {
  test('the check lists runs, which requires a token', async () => {
    await gatling.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/public/v2/runs'])
  })

  test("uses Gatling's own URL by default", () => {
    expect(gatling.connection.parse({ token: 'a-token' }).baseUrl).toBe('https://api.gatling.io')
  })

  test('an invalid token is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(checkout))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('The API token is not valid')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the token is a secret', () => {
    expect(secretsIn(gatling.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('Gatling: start', () => {
  test('runs the test with the key in its title and returns at once', async () => {
    const { outcome } = await connected().start(checkout)
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`gatling-enterprise ${id}`]: url },
    })
    expect(run().title).toBe(`cloud-automation-webhooks ${keyOf(1)}`)
  })

  test('takes the test from the connection, and sends no title without a key', async () => {
    await connected({ target: checkout.target }).start({}, { key: undefined })
    expect(run().title).toBeUndefined()
    expect(calls('GET')).toEqual([])
  })

  test('sends parameters as system properties, as text', async () => {
    await connected().start({ ...checkout, parameters: { users: 20, host: 'https://shop.example.com', warm: true } })
    expect(run().properties).toEqual({ users: '20', host: 'https://shop.example.com', warm: 'true' })
  })

  test('has no link if Gatling returns an invalid URL', async () => {
    server.state.page = 'runs/'
    expect((await connected().start(checkout)).outcome.links).toEqual({})
  })

  test.each([
    ['an invalid target', { target: '../tests' }, 'input.target must be a test id'],
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['a ref', { ref: 'main' }, 'input.ref is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...checkout, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that Gatling gives', async () => {
    expect((await failureOf(connected().start({ target: 'nope' }))).message).toContain(
      'Gatling Enterprise answered 404 to POST /api/public/v2/tests/nope/runs: The test was not found',
    )
    const reasons = [{ code: 'title', message: 'title must be trimmed' }]
    server.failNext(400, { code: 'bad_request', message: 'The request is not valid', reasons }, { on: 'POST' })
    expect((await failureOf(connected().start(checkout))).message).toContain('is not valid; title must be trimmed')
    server.state.mayStart = false
    expect(await failureOf(connected().start(checkout))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('403 to POST /api/public/v2/tests/kqCL3sMdpbcTDBUwQZKx7Q/runs: The role Start'),
    })
  })

  test('is refused while the test is running', async () => {
    await connected().start(checkout)
    const failure = await failureOf(connected().start(checkout, { key: keyOf(2) }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('in progress') })
  })

  test('returns Retry-After of Gatling', async () => {
    server.failNext(429, { code: 'limit', message: 'Slow down' }, { on: 'POST', headers: { 'retry-after': '12' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({
      transient: true,
      retryAfter: 12,
      mayHaveWritten: false,
    })
  })

  test('is transient while Gatling is down', async () => {
    server.down()
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, mayHaveWritten: false })
  })
})

describe('Gatling: start with a lost response', () => {
  test('a retry finds the run by the key in its title, even if it is listed late', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, mayHaveWritten: true })
    server.state.listsLate = 1
    const { outcome } = await connected().start(checkout, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.state.runs).toHaveLength(1)
  })

  test('a retry starts a run if only other calls have runs', async () => {
    await connected().start(checkout, { key: keyOf(2) })
    server.enter('Successful', true)
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(checkout))
    await connected().start(checkout, { isRetry: true })
    expect(server.state.runs).toHaveLength(2)
  })
})

test('Gatling: a second delivery of an event finds the run after it has ended', async () => {
  await connected().start(checkout)
  server.enter('Successful', true)
  expect((await connected().start(checkout)).outcome.data).toMatchObject({ id })
  expect(calls('POST')).toHaveLength(1)
})

describe('Gatling: run', () => {
  test.each([
    ['Building', 'Building'],
    ['Injecting', 'Injecting'],
    ['StopRequested', 'StopRequested'],
    ['Cooling', 'Cooling (unknown state)'],
  ])('keeps running in the state %s', async (status, running) => {
    const started = await connected().start(checkout)
    server.enter(status)
    expect(await connected().poll(started, checkout)).toMatchObject({ status: running, progress: `run #1, ${status}` })
  })

  test.each([
    ['Successful', true, 'succeeded', 'pass'],
    ['AssertionsSuccessful', true, 'succeeded', 'pass'],
    ['AssertionsFailed', false, 'succeeded', 'fail'],
    ['StopCriteriaTriggered', false, 'succeeded', 'fail'],
    ['Stopped', false, 'aborted', 'fail'],
    ['ManuallyStopped', true, 'aborted', 'fail'],
    ['Timeout', false, 'errored', 'fail'],
    ['BuildFailed', false, 'errored', 'fail'],
    ['Broken', false, 'errored', 'fail'],
    ['DeploymentFailed', false, 'errored', 'fail'],
    // The outcome decides, regardless of the state.
    ['Done', true, 'succeeded', 'pass'],
    ['Done', false, 'succeeded', 'fail'],
    ['Successful', false, 'succeeded', 'fail'],
    ['Injecting', true, 'succeeded', 'pass'],
    // Without an outcome, the state decides.
    ['AssertionsFailed', undefined, 'succeeded', 'fail'],
    ['Successful', undefined, 'succeeded', 'pass'],
  ])('in the state %s with the outcome %s, ends as %s, %s', async (name, successful, status, result) => {
    const started = await connected().start(checkout)
    server.enter(name, successful)
    expect(await connected().end(started, checkout)).toMatchObject({ status, result, data: { id, url, state: name } })
  })

  test('a failure names the missed assertions and their values', async () => {
    const started = await connected().start(checkout)
    const missed = Array.from({ length: 4 }, (_, at) => ({
      message: `p9${at} < 500`,
      succeed: false,
      actualValue: 600 + at,
    }))
    server.enter('AssertionsFailed', false, [{ message: 'errors < 1 %', succeed: true, actualValue: 0.1 }, ...missed])
    const ended = await connected().end(started, checkout)
    expect(ended.message).toBe(
      `Run ${id} ended as AssertionsFailed: p90 < 500 (it was 600); p91 < 500 (it was 601); p92 < 500 (it was 602); and 1 more`,
    )
    expect(ended.data).toMatchObject({
      start: '2026-11-24T10:01:00.000Z',
      end: '2026-11-24T10:05:30.000Z',
      duration: 270,
      assertions: 5,
      failedAssertions: 4,
      number: 1,
      missed: missed.map(({ message, actualValue }) => `${message} (it was ${actualValue})`),
    })
  })

  test('is judged by thresholds', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'duration', op: '<', value: 60 }] }
    const started = await connected().start(input)
    server.enter('Successful', true)
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 270, not < 60'),
    })
  })

  test('keeps running while Gatling is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ kind: 'refused' })
  })
})

describe('Gatling: stop', () => {
  test('stops a run', async () => {
    await connected().start(checkout)
    const outcome = await connected().stop({ id })
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { state: 'Stopped' },
      message: `Stopped run ${id} (Stopped)`,
    })
  })

  test('waits for a run that is still running', async () => {
    await connected().start(checkout)
    server.state.slow = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still StopRequested' })
  })

  test('passes for a run that has ended, even between the poll and the stop', async () => {
    await connected().start(checkout)
    server.enter('Successful', true)
    expect(await connected().stop({ id })).toMatchObject({ message: `Run ${id} had ended already (Successful)` })
    expect(calls('POST')).toHaveLength(1)
    await gatling.stop(connected().client(), { id })
    expect(run().status).toBe('Successful')
  })

  test('reports the reason for a refusal', async () => {
    await connected().start(checkout)
    server.state.mayStart = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('The role Start is required')
    expect((await failureOf(connected().stop({ id: 'nope' }))).message).toContain('404 to GET')
  })

  test.each(['../1', 'a/b', 'a b'])('rejects the id %j', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('must be a run id such as') })
    expect(server.calls).toEqual([])
  })
})
