import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { azureLoadTesting } from '../../../functions/load-testing/providers/azure-load-testing.ts'
import { type AzureLoadTestingServer, startAzureLoadTesting } from '../../../infra/platforms/azure-load-testing.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { loadTest } from './load-test.ts'

let server: AzureLoadTestingServer
beforeEach(async () => {
  server = await startAzureLoadTesting()
})
afterEach(() => server.close())

const target = '12345678-1234-1234-1234-123456789012'
const checkout = { target }
const id = keyOf(1)

const connected = (fields: object = {}) =>
  loadTest(azureLoadTesting, () => ({
    baseUrl: server.url,
    loginUrl: server.url,
    tenantId: server.tenantId,
    clientId: server.clientId,
    clientSecret: server.clientSecret,
    ...fields,
  }))
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const run = () => {
  const found = server.state.runs.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}

describe('Azure Load Testing: connection', () => {
  test('the check lists runs', async () => {
    await azureLoadTesting.check(connected().client())
    expect(server.calls.at(-1)?.path).toBe('/test-runs')
  })

  test('requests a token of Microsoft Entra, and uses it until it expires', async () => {
    const started = await connected().start(checkout)
    await connected().poll(started, checkout)
    expect(server.state.given).toBe(1)
    expect(calls('PATCH')[0]?.headers['authorization']).toBe('Bearer a-token-of-entra-1')
  })

  test('requests another token if the first is rejected', async () => {
    const started = await connected().start(checkout)
    server.state.tokens = []
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ kind: 'credentials' })
    expect(await connected().poll(started, checkout)).toMatchObject({ status: 'ACCEPTED' })
    expect(server.state.given).toBe(2)
  })

  test('an invalid secret is a credentials failure with the reason of Microsoft Entra, without the secret', async () => {
    const failure = await failureOf(connected({ clientSecret: 'a-wrong-secret' }).start(checkout))
    expect(failure).toMatchObject({ kind: 'credentials', mayHaveWritten: false })
    expect(failure.message).toContain('AADSTS7000215')
    expect(failure.message).not.toContain('a-wrong-secret')
  })

  test('is transient while Microsoft Entra is down: nothing was started', async () => {
    server.failNext(503, '<html>')
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, mayHaveWritten: false })
    expect(calls('PATCH')).toEqual([])
  })

  test('may contain a token instead', async () => {
    server.state.tokens = ['a-token-by-hand']
    const withToken = { tenantId: undefined, clientId: undefined, clientSecret: undefined, token: 'a-token-by-hand' }
    await connected(withToken).start(checkout)
    expect(server.state.given).toBe(0)
    expect(await failureOf(connected({ ...withToken, token: 'a-wrong-token' }).start(checkout))).toMatchObject({
      kind: 'credentials',
    })
  })

  test('without either is misconfigured', async () => {
    const failure = await failureOf(connected({ clientId: undefined }).start(checkout))
    expect(failure).toMatchObject({ kind: 'misconfigured' })
    expect(failure.message).toContain('needs tenantId, clientId and clientSecret, or a token')
  })

  test('the credentials are secrets', () => {
    const secrets = { clientSecret: server.clientSecret, token: 'a-token-by-hand' }
    expect(secretsIn(azureLoadTesting.connection, secrets)).toEqual([server.clientSecret, 'a-token-by-hand'])
  })
})

describe('Azure Load Testing: start', () => {
  test('runs the test with the key as id and returns the run at once', async () => {
    const { outcome } = await connected().start(checkout)
    const url = `https://portal.azure.com/#blade/testRunId/${id}`
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`azure-load-testing ${id}`]: url },
    })
    expect(run()).toMatchObject({ testRunId: id, testId: target, displayName: 'cloud-automation-webhooks 00000000' })
  })

  test('sends parameters as environment variables, which are text', async () => {
    await connected({ target }).start({ parameters: { host: 'shop.example.com', users: 50 } })
    expect(run().environmentVariables).toEqual({ host: 'shop.example.com', users: '50' })
  })

  test('rejects an unsafe environment variable unless the connection allows it', async () => {
    const input = { ...checkout, parameters: { JAVA_TOOL_OPTIONS: '-javaagent:x.jar' } }
    expect(await failureOf(connected().start(input))).toMatchObject({ kind: 'refused' })
    expect(server.calls).toEqual([])
    await connected({ allowParameters: ['JAVA_TOOL_OPTIONS'] }).start(input)
    expect(run()).toMatchObject({ environmentVariables: input.parameters })
  })

  test('has a random id if the call has no key', async () => {
    await connected().start(checkout, { key: undefined })
    await connected().start(checkout, { key: undefined })
    expect(new Set(server.state.runs.map(({ testRunId }) => testRunId)).size).toBe(2)
  })

  test.each([
    ['a name', { target: 'Checkout Load' }, 'input.target must be the id of a test'],
    ['another path', { target: '../tests' }, 'input.target must be the id of a test'],
    ['a version', { target, ref: 'main' }, 'input.ref is not supported'],
    ['a project', { target, project: 'shop' }, 'input.project is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that Azure gives', async () => {
    const failure = await failureOf(connected().start({ target: 'nope' }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain("Test couldn't find with given identifier nope")
    server.state.mayWrite = false
    expect((await failureOf(connected().start(checkout))).message).toContain('assign Load Test Contributor')
  })

  test('returns Retry-After of Azure', async () => {
    await azureLoadTesting.check(connected().client())
    server.failNext(429, { error: { code: 'TooManyRequests' } }, { headers: { 'retry-after': '9' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, retryAfter: 9 })
  })
})

describe('Azure Load Testing: start with a lost response', () => {
  test('a retry finds the run by its id', async () => {
    server.loseNext('PATCH')
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, mayHaveWritten: true })
    server.finish('DONE', 'PASSED')
    const { outcome } = await connected().start(checkout, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('a retry starts a run that does not exist', async () => {
    server.failNext(502, '<html>', { on: 'PATCH' })
    await failureOf(connected().start(checkout))
    await connected().start(checkout, { isRetry: true })
    expect(server.state.runs).toHaveLength(1)
  })

  test('a second delivery of its event starts no second run', async () => {
    await connected().start(checkout)
    await connected().start(checkout)
    expect(server.state.runs).toHaveLength(1)
  })
})

describe('Azure Load Testing: run', () => {
  test.each([
    ...['ACCEPTED', 'NOTSTARTED', 'VALIDATION_SUCCESS', 'PROVISIONING', 'PROVISIONED', 'CONFIGURING', 'CONFIGURED'],
    ...['EXECUTING', 'EXECUTED', 'DEPROVISIONING', 'DEPROVISIONED', 'CANCELLING'],
  ])('keeps running in the state %s', async (status) => {
    const started = await connected().start(checkout)
    run().status = status
    expect(await connected().poll(started, checkout)).toMatchObject({ status: status })
  })

  test('keeps running with an unknown state or result', async () => {
    const started = await connected().start(checkout)
    server.finish('DONE', 'EXPLODED')
    expect(await connected().poll(started, checkout)).toMatchObject({
      status: 'DONE/EXPLODED (unknown state)',
    })
  })

  test.each([
    ['DONE', 'PASSED', 'DONE/PASSED', 'succeeded', 'pass'],
    ['DONE', 'NOT_APPLICABLE', 'DONE/NOT_APPLICABLE', 'succeeded', 'pass'],
    ['DONE', 'FAILED', 'DONE/FAILED', 'succeeded', 'fail'],
    ['CANCELLED', 'NOT_APPLICABLE', 'CANCELLED', 'aborted', 'fail'],
    ['FAILED', 'NOT_APPLICABLE', 'FAILED', 'errored', 'fail'],
    ['VALIDATION_FAILURE', 'NOT_APPLICABLE', 'VALIDATION_FAILURE', 'errored', 'fail'],
  ])('in the state %s with %s, ends as %s: %s, %s', async (status, testResult, state, ended, result) => {
    const started = await connected().start(checkout)
    server.finish(status, testResult)
    expect(await connected().end(started, checkout)).toMatchObject({ status: ended, result, data: { id, state } })
  })

  test('reports its numbers, which thresholds can use', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'p95', op: '<', value: 500 }] }
    const started = await connected().start(input)
    const counts = { transaction: 'Total', sampleCount: 1000, errorCount: 20, errorPct: 2, throughput: 16.6 }
    const times = { meanResTime: 213.5, medianResTime: 190, minResTime: 12, maxResTime: 2210 }
    const percentiles = { pct1ResTime: 402, pct2ResTime: 612, pct3ResTime: 1100 }
    server.finish('DONE', 'PASSED', {
      testRunStatistics: { Total: { ...counts, ...times, ...percentiles }, Login: { sampleCount: 1 } },
    })
    const numbers = { mean: 213.5, p50: 190, min: 12, max: 2210, p90: 402, p95: 612, p99: 1100 }
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({
      result: 'fail',
      data: { ...numbers, requests: 1000, errors: 20, errorRate: 0.02, rps: 16.6, duration: 60, users: 50 },
    })
    expect(ended.message).toContain('p95 is 612, not < 500')
  })

  test('names the failed criteria with their value and limit', async () => {
    const started = await connected().start(checkout)
    const slow = { clientMetric: 'response_time_ms', aggregate: 'p95', condition: '>', value: 500, actualValue: 612 }
    const wrong = { clientmetric: 'error', aggregate: 'percentage', condition: '>', value: 1, actualValue: 0 }
    const passFailMetrics = {
      a: { ...slow, action: 'continue', result: 'failed', requestName: 'Log in' },
      b: { ...wrong, action: 'continue', result: 'passed' },
      c: { ...wrong, actualValue: 7, action: 'stop', result: 'failed' },
    }
    server.finish('DONE', 'FAILED', { passFailCriteria: { passFailMetrics } })
    const ended = await connected().end(started, checkout)
    expect(ended.message).toContain(
      'p95 of response_time_ms for Log in is 612 (fails at > 500); percentage of error is 7 (fails at > 1)',
    )
    expect(ended.data['failedCriteria']).toEqual([
      { criterion: 'p95 of response_time_ms', request: 'Log in', value: 612, fails: '> 500' },
      { criterion: 'percentage of error', value: 7, fails: '> 1' },
    ])
  })

  test('names the failed criteria of server metrics with the resource', async () => {
    const started = await connected().start(checkout)
    const cpu = {
      resourceId: '/subscriptions/1/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/cart',
      metricNamespace: 'Microsoft.Compute/virtualMachines',
      metricName: 'Percentage CPU',
      aggregation: 'Average',
      condition: '>',
      value: 80,
      action: 'continue',
    }
    const passFailServerMetrics = {
      a: { ...cpu, actualValue: 93.5, result: 'failed' },
      b: { ...cpu, metricName: 'Memory', actualValue: 1, result: 'passed' },
    }
    server.finish('DONE', 'FAILED', { passFailCriteria: { passFailServerMetrics } })
    const ended = await connected().end(started, checkout)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(ended.message).toContain(': Average of Percentage CPU for cart is 93.5 (fails at > 80)')
    expect(ended.data['failedCriteria']).toEqual([
      { criterion: 'Average of Percentage CPU', resource: 'cart', value: 93.5, fails: '> 80' },
    ])
  })

  test('reports why it could not run', async () => {
    const started = await connected().start(checkout)
    server.finish('FAILED', 'NOT_APPLICABLE', { errorDetails: [{ message: 'The JMX file is not valid.' }] })
    expect((await connected().end(started, checkout)).message).toBe(
      `Test run ${id} ended as FAILED: The JMX file is not valid.`,
    )
  })

  test('keeps running while Azure is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ kind: 'refused' })
  })
})

describe('Azure Load Testing: stop-test', () => {
  test('stops a run and waits for its end', async () => {
    await connected().start(checkout)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still CANCELLING' })
    server.finish('CANCELLED')
    expect((await connected().stop({ id })).message).toBe(`Test run ${id} had ended already (CANCELLED)`)
    expect(calls('POST').filter(({ path }) => path === `/test-runs/${id}:stop`)).toHaveLength(1)
  })

  test('passes if the run ends between the poll and the stop', async () => {
    await connected().start(checkout)
    server.finish('DONE', 'PASSED')
    await azureLoadTesting.stop(connected().client(), { id })
    expect(run().status).toBe('DONE')
  })

  test('reports the reason that Azure gives for a refusal', async () => {
    await connected().start(checkout)
    server.state.mayWrite = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('assign Load Test Contributor')
    expect((await failureOf(connected().stop({ id: 'nope' }))).message).toContain('identifier nope')
    expect((await failureOf(connected().stop({ id: 'no/pe' }))).message).toContain('input.id must be a test run id')
  })
})
