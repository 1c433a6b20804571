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

describe('the connection', () => {
  test('is checked with a call that takes a token, unlike what the server says of itself', async () => {
    await gatling.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/public/v2/runs'])
  })

  test('is with Gatling where it names no other place', () => {
    expect(gatling.connection.parse({ token: 'a-token' }).baseUrl).toBe('https://api.gatling.io')
  })

  test('says that a token is wrong, and not which', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(checkout))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('The API token is not valid')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('has its token masked wherever it turns up', () => {
    expect(secretsIn(gatling.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('a start', () => {
  test('runs the test with its key in the title, and answers at once', async () => {
    const { outcome } = await connected().start(checkout)
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`gatling-enterprise ${id}`]: url },
    })
    expect(run().title).toBe(`cloud-automation-webhooks ${keyOf(1)}`)
  })

  test('takes the test from the connection, and has no title where the call has no key', async () => {
    await connected({ target: checkout.target }).start({}, { key: undefined })
    expect(run().title).toBeUndefined()
    expect(calls('GET')).toEqual([])
  })

  test('gives parameters as system properties, as text', async () => {
    await connected().start({ ...checkout, parameters: { users: 20, host: 'https://shop.example.com', warm: true } })
    expect(run().properties).toEqual({ users: '20', host: 'https://shop.example.com', warm: 'true' })
  })

  test('has no link where what Gatling names is none', async () => {
    server.state.page = 'runs/'
    expect((await connected().start(checkout)).outcome.links).toEqual({})
  })

  test.each([
    ['a target that is no id', { target: '../tests' }, 'input.target is no test'],
    ['a project', { project: 'shop' }, 'input.project is of no use'],
    ['a ref', { ref: 'main' }, 'input.ref is of no use'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...checkout, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('says in the words of Gatling why it is refused', async () => {
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

  test('is refused while the test runs', async () => {
    await connected().start(checkout)
    const failure = await failureOf(connected().start(checkout, { key: keyOf(2) }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('in progress') })
  })

  test('stays away for as long as it is asked to', async () => {
    server.failNext(429, { code: 'limit', message: 'Slow down' }, { on: 'POST', headers: { 'retry-after': '12' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({
      transient: true,
      retryAfter: 12,
      afterWrite: false,
    })
  })

  test('can be tried again where Gatling is down', async () => {
    server.down()
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, afterWrite: false })
  })
})

describe('a start whose answer was lost', () => {
  test('is found by the key in its title, also where it is listed late', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, afterWrite: true })
    server.state.listsLate = 1
    const { outcome } = await connected().start(checkout, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.state.runs).toHaveLength(1)
  })

  test('is started where it is not there, beside the runs of other calls', async () => {
    await connected().start(checkout, { key: keyOf(2) })
    server.enter('Successful', true)
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(checkout))
    await connected().start(checkout, { isRetry: true })
    expect(server.state.runs).toHaveLength(2)
  })
})

test('a second delivery of an event finds the run, though it has ended', async () => {
  await connected().start(checkout)
  server.enter('Successful', true)
  expect((await connected().start(checkout)).outcome.data).toMatchObject({ id })
  expect(calls('POST')).toHaveLength(1)
})

describe('a run', () => {
  test.each([
    ['Building', 'Building'],
    ['Injecting', 'Injecting'],
    ['StopRequested', 'StopRequested'],
    ['Cooling', 'Cooling (unknown state)'],
  ])('that is %s goes on', async (status, running) => {
    const begun = await connected().start(checkout)
    server.enter(status)
    expect(await connected().poll(begun, checkout)).toMatchObject({ status: running, progress: `run #1, ${status}` })
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
    // Its outcome counts, whatever its name.
    ['Done', true, 'succeeded', 'pass'],
    ['Done', false, 'succeeded', 'fail'],
    ['Successful', false, 'succeeded', 'fail'],
    ['Injecting', true, 'succeeded', 'pass'],
    // Without one, its name does.
    ['AssertionsFailed', undefined, 'succeeded', 'fail'],
    ['Successful', undefined, 'succeeded', 'pass'],
  ])('that is %s with the outcome %s ends as %s, %s', async (name, successful, status, result) => {
    const begun = await connected().start(checkout)
    server.enter(name, successful)
    expect(await connected().end(begun, checkout)).toMatchObject({ status, result, data: { id, url, state: name } })
  })

  test('that failed names the assertions that were missed, and by how much', async () => {
    const begun = await connected().start(checkout)
    const missed = Array.from({ length: 4 }, (_, at) => ({
      message: `p9${at} < 500`,
      succeed: false,
      actualValue: 600 + at,
    }))
    server.enter('AssertionsFailed', false, [{ message: 'errors < 1 %', succeed: true, actualValue: 0.1 }, ...missed])
    const ended = await connected().end(begun, checkout)
    expect(ended.message).toBe(
      `Run ${id} ended as AssertionsFailed: p90 < 500 (it was 600); p91 < 500 (it was 601); p92 < 500 (it was 602); and 1 more`,
    )
    expect(ended.data).toMatchObject({
      ...{ start: '2026-11-24T10:01:00.000Z', end: '2026-11-24T10:05:30.000Z' },
      ...{ duration: 270, assertions: 5, failedAssertions: 4, number: 1 },
      missed: missed.map(({ message, actualValue }) => `${message} (it was ${actualValue})`),
    })
  })

  test('is held against thresholds on what is measured', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'duration', op: '<', value: 60 }] }
    const begun = await connected().start(input)
    server.enter('Successful', true)
    expect(await connected().end(begun, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 270, not < 60'),
    })
  })

  test('is looked at again where Gatling is down, and refused where it is gone', async () => {
    const begun = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(begun, checkout))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(begun, checkout))).toMatchObject({ kind: 'refused' })
  })
})

describe('a stop', () => {
  test('ends a run', async () => {
    await connected().start(checkout)
    const outcome = await connected().stop({ id })
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { state: 'Stopped' },
      message: `Stopped run ${id} (Stopped)`,
    })
  })

  test('waits for a run that goes on', async () => {
    await connected().start(checkout)
    server.state.slow = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still StopRequested' })
  })

  test('passes for a run that has ended, also between our look and the stop', async () => {
    await connected().start(checkout)
    server.enter('Successful', true)
    expect(await connected().stop({ id })).toMatchObject({ message: `Run ${id} had ended already (Successful)` })
    expect(calls('POST')).toHaveLength(1)
    await gatling.stop(connected().client(), { id })
    expect(run().status).toBe('Successful')
  })

  test('says why it can not be', async () => {
    await connected().start(checkout)
    server.state.mayStart = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('The role Start is required')
    expect((await failureOf(connected().stop({ id: 'nope' }))).message).toContain('404 to GET')
  })

  test.each(['../1', 'a/b', 'a b'])('refuses the id %j', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('write it like') })
    expect(server.calls).toEqual([])
  })
})
