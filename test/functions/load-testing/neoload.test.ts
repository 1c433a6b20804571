import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { neoload } from '../../../functions/load-testing/providers/neoload.ts'
import { type NeoloadServer, startNeoload } from '../../../infra/platforms/neoload.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { loadTest } from './load-test.ts'

let server: NeoloadServer
beforeEach(async () => {
  server = await startNeoload()
})
afterEach(() => server.close())

const project = '5e3acde2e860a132744ca916'
const target = '5ed5350f-9f2f-4e2a-9acb-cdbcee874256'
const checkout = { target, project }
const resultId = 'c6ff329e-ec09-4be3-b3c5-000000000000'
const id = `${project}#${resultId}`

const connected = (fields: object = {}) =>
  loadTest(neoload, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const posts = () => server.calls.filter(({ method }) => method === 'POST')
const result = () => {
  const found = server.state.results.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}
/** Returns the job as the task's state restores it some minutes later. */
const later = (pending: unknown) => ({ ...(pending as object), providerState: { startedAt: Date.now() - 180_000 } })

describe('NeoLoad: connection', () => {
  test('the check lists the workspaces of its token', async () => {
    await neoload.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/v3/workspaces'])
  })

  test('an invalid token is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(checkout))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('please provide an API token')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the token is a secret', () => {
    expect(secretsIn(neoload.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('NeoLoad: start', () => {
  test('runs the test with the key in the name of the result and returns at once', async () => {
    const { outcome } = await connected().start(checkout)
    const url = `https://neoload.saas.neotys.com/#!result/${resultId}/overview`
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`neoload ${id}`]: url },
    })
    expect(result().query).toEqual({ testResultName: `cloud-automation-webhooks ${keyOf(1)}` })
  })

  test('takes workspace, test and web app from the connection', async () => {
    const { outcome } = await connected({ project, target, webUrl: 'https://neoload.example.com/' }).start({})
    expect(outcome.data['url']).toBe(`https://neoload.example.com/#!result/${resultId}/overview`)
  })

  test("sends parameters in the query, and puts the caller's name before the key", async () => {
    const parameters = { testResultName: 'Release 1.2', reservationWebVUs: 50, publishTestResult: true }
    await connected().start({ ...checkout, parameters })
    const query = { testResultName: `Release 1.2 ${keyOf(1)}`, reservationWebVUs: '50', publishTestResult: 'true' }
    expect(result().query).toEqual(query)
  })

  test('sends no key if the call has none', async () => {
    await connected().start(checkout, { key: undefined })
    expect(result().name).toBe('cloud-automation-webhooks')
  })

  test.each([
    ['no workspace', { target }, 'input.project is required'],
    ['an invalid workspace', { target, project: '../x' }, 'input.project must look like'],
    ['an invalid test', { target: 'a/b', project }, 'input.target must be a test id'],
    ['a version', { ...checkout, ref: 'main' }, 'input.ref is not supported'],
    [
      'an unknown parameter',
      { ...checkout, parameters: { users: 5 } },
      'input.parameters contains users, but a start accepts only testResultName',
    ],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that NeoLoad gives', async () => {
    const failure = await failureOf(connected().start({ target: 'nope', project }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Test nope does not exist.')
    server.state.mayWrite = false
    expect((await failureOf(connected().start(checkout))).message).toContain('Unauthorized operation')
  })

  test('returns Retry-After of NeoLoad, which is in milliseconds', async () => {
    server.failNext(429, { code: 102, message: 'Too many requests' }, { headers: { 'retry-after': '12500' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, retryAfter: 13 })
  })
})

describe('NeoLoad: start with a lost response', () => {
  test('a retry finds the result by its key, even if it appears some seconds later', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, mayHaveWritten: true })
    server.state.comesLate = 1
    const { outcome } = await connected().start(checkout, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(posts()).toHaveLength(1)
  })

  test('a retry starts a run if only other calls have results', async () => {
    await connected().start(checkout, { key: keyOf(2) })
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(checkout))
    await connected().start(checkout, { isRetry: true })
    expect(server.state.results.map(({ name }) => name.split(' ')[1])).toEqual([keyOf(2), keyOf(1)])
  })

  test('a second delivery of its event finds the result after it has ended', async () => {
    await connected().start(checkout)
    server.finish('POLICY')
    expect((await connected().start(checkout)).outcome.data).toMatchObject({ id })
    expect(posts()).toHaveLength(1)
  })
})

describe('NeoLoad: run', () => {
  test('keeps running while its result is not available, and is refused if it never appears', async () => {
    const started = await connected().start(checkout)
    server.state.comesLate = 1
    expect(await connected().poll(started, checkout)).toMatchObject({
      status: 'INIT',
      progress: 'the result is not available yet',
    })
    server.state.results = []
    const failure = await failureOf(connected().poll({ ...started, job: later(started.job) }, checkout))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Resource not found')
  })

  test.each(['INIT', 'STARTING', 'RUNNING'])('keeps running in the state %s', async (status) => {
    const started = await connected().start(checkout)
    result().status = status
    expect(await connected().poll(started, checkout)).toMatchObject({ status: status })
  })

  test.each([
    ['POLICY', 'PASSED', 'TERMINATED/POLICY/PASSED', 'succeeded', 'pass'],
    ['VARIABLE', 'PASSED', 'TERMINATED/VARIABLE/PASSED', 'succeeded', 'pass'],
    ['POLICY', 'UNKNOWN', 'TERMINATED/POLICY/UNKNOWN', 'succeeded', 'warning'],
    ['POLICY', 'FAILED', 'TERMINATED/POLICY/FAILED', 'succeeded', 'fail'],
    ['MANUAL', 'PASSED', 'TERMINATED/MANUAL', 'aborted', 'fail'],
    ['CANCELLED', 'UNKNOWN', 'TERMINATED/CANCELLED', 'aborted', 'fail'],
    ['FAILED_TO_START', 'UNKNOWN', 'TERMINATED/FAILED_TO_START', 'errored', 'fail'],
    ['LG_AVAILABILITY', 'FAILED', 'TERMINATED/LG_AVAILABILITY', 'errored', 'fail'],
    ['LICENSE', 'UNKNOWN', 'TERMINATED/LICENSE', 'errored', 'fail'],
    ['RESERVATION_ENDED', 'PASSED', 'TERMINATED/RESERVATION_ENDED', 'errored', 'fail'],
    ['UNKNOWN', 'PASSED', 'TERMINATED/UNKNOWN', 'errored', 'fail'],
  ])('ending by %s with quality %s, is %s: %s, %s', async (reason, quality, state, status, verdict) => {
    const started = await connected().start(checkout)
    server.finish(reason, quality)
    const ended = await connected().end(started, checkout)
    const period = { start: '2023-11-14T22:13:20.000Z', end: '2023-11-14T22:23:20.000Z' }
    expect(ended).toMatchObject({ status, result: verdict, data: { id, state, duration: 600, ...period } })
  })

  test('keeps running while its quality is computed, and with an unknown reason', async () => {
    const started = await connected().start(checkout)
    server.finish('POLICY', 'COMPUTING')
    expect(await connected().poll(started, checkout)).toMatchObject({ status: 'TERMINATED/POLICY/COMPUTING' })
    server.finish('EXPLODED')
    expect(await connected().poll(started, checkout)).toMatchObject({
      status: expect.stringContaining('unknown state'),
    })
  })

  test('reports its numbers in milliseconds, which thresholds can use', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'mean', op: '<', value: 300, warn: 100 }] }
    const started = await connected().start(input)
    const counts = { totalRequestCountSuccess: 990, totalRequestCountFailure: 10 }
    server.finish('POLICY', 'PASSED', {
      statistics: { ...counts, totalRequestDurationAverage: 0.25, totalRequestCountPerSecond: 16.5 },
    })
    const numbers = { mean: 250, requests: 1000, errors: 10, errorRate: 0.01, rps: 16.5, duration: 600 }
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({ result: 'warning', data: numbers })
    expect(ended.message).toContain('mean is 250, not < 100')
  })

  test('names the failed SLAs with their value and limit', async () => {
    const started = await connected().start(checkout)
    const failedThreshold = { operator: '>=', values: [1] }
    const slow = { kpi: 'avg-request-resp-time', status: 'FAILED', value: 1.2, failedThreshold }
    const login = {
      kpi: 'error-rate',
      status: 'FAILED',
      value: 7,
      failedThreshold: { operator: 'btw', values: [5, 9] },
    }
    server.finish('POLICY', 'FAILED', {
      slas: {
        statistics: [slow, { kpi: 'errors-count', status: 'PASSED', value: 0 }],
        'per-test': [{ ...login, element: { elementId: 'e', name: 'Log in', category: 'TRANSACTION' } }],
      },
    })
    const ended = await connected().end(started, checkout)
    expect(ended.message).toContain(
      'avg-request-resp-time is 1.2 (fails at >= 1); error-rate of Log in is 7 (fails at btw 5 and 9)',
    )
    expect(ended.data['failedSlas']).toEqual([
      { sla: 'avg-request-resp-time', value: 1.2, fails: '>= 1' },
      { sla: 'error-rate', element: 'Log in', value: 7, fails: 'btw 5 and 9' },
    ])
  })

  test('keeps running while NeoLoad is down', async () => {
    const started = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ transient: true })
  })
})

describe('NeoLoad: stop-test', () => {
  test('stops a run gracefully, by its id or by that of the result with the workspace', async () => {
    for (const input of [{ id }, { id: resultId.replace(/0$/, '1'), project }]) {
      await connected().start(checkout, { key: undefined })
      const outcome = await connected().stop(input)
      expect(outcome).toMatchObject({ result: 'pass', data: { state: 'TERMINATED/MANUAL' } })
      expect(posts().at(-1)?.body).toEqual({ stopPolicy: 'GRACEFUL' })
    }
  })

  test('waits for a run that is still running', async () => {
    await connected().start(checkout)
    result().status = 'RUNNING'
    server.state.stubborn = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still RUNNING' })
  })

  test('passes for a run that has ended, even between the poll and the stop', async () => {
    await connected().start(checkout)
    server.finish('POLICY')
    expect((await connected().stop({ id })).message).toContain('had ended already (TERMINATED/POLICY/PASSED)')
    expect(posts()).toHaveLength(1)
    await neoload.stop(connected().client(), { id })
    expect(result().terminationReason).toBe('POLICY')
  })

  test('reports the reason that NeoLoad gives for a refusal', async () => {
    await connected().start(checkout)
    server.state.mayWrite = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('Unauthorized operation')
    expect((await failureOf(connected().stop({ id: `${project}#nope` }))).message).toContain('404 to GET')
  })

  test.each([resultId, 'a/b#c', '#', `..#${resultId}`])('rejects the id %s', async (strange) => {
    const failure = await failureOf(connected().stop({ id: strange }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain(`such as ${project}#c6ff329e`)
  })
})
