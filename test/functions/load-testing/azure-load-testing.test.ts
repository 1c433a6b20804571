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

describe('the connection', () => {
  test('is checked with the list of runs', async () => {
    await azureLoadTesting.check(connected().client())
    expect(server.calls.at(-1)?.path).toBe('/test-runs')
  })

  test('fetches a token of Entra, and uses it until it expires', async () => {
    const begun = await connected().start(checkout)
    await connected().poll(begun, checkout)
    expect(server.state.given).toBe(1)
    expect(calls('PATCH')[0]?.headers['authorization']).toBe('Bearer a-token-of-entra-1')
  })

  test('fetches another when that one is not taken any more', async () => {
    const begun = await connected().start(checkout)
    server.state.tokens = []
    expect(await failureOf(connected().poll(begun, checkout))).toMatchObject({ kind: 'credentials' })
    expect(await connected().poll(begun, checkout)).toMatchObject({ status: 'ACCEPTED' })
    expect(server.state.given).toBe(2)
  })

  test('says in the words of Entra that a secret is wrong, and not which', async () => {
    const failure = await failureOf(connected({ clientSecret: 'a-wrong-secret' }).start(checkout))
    expect(failure).toMatchObject({ kind: 'credentials', afterWrite: false })
    expect(failure.message).toContain('AADSTS7000215')
    expect(failure.message).not.toContain('a-wrong-secret')
  })

  test('waits where Entra is down: nothing was started', async () => {
    server.failNext(503, '<html>')
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, afterWrite: false })
    expect(calls('PATCH')).toEqual([])
  })

  test('may hold a token instead', async () => {
    server.state.tokens = ['a-token-by-hand']
    const withToken = { tenantId: undefined, clientId: undefined, clientSecret: undefined, token: 'a-token-by-hand' }
    await connected(withToken).start(checkout)
    expect(server.state.given).toBe(0)
    expect(await failureOf(connected({ ...withToken, token: 'a-wrong-token' }).start(checkout))).toMatchObject({
      kind: 'credentials',
    })
  })

  test('without either is said to be wrong', async () => {
    const failure = await failureOf(connected({ clientId: undefined }).start(checkout))
    expect(failure).toMatchObject({ kind: 'misconfigured' })
    expect(failure.message).toContain('needs tenantId, clientId and clientSecret, or a token')
  })

  test('has its secrets masked wherever they turn up', () => {
    const secrets = { clientSecret: server.clientSecret, token: 'a-token-by-hand' }
    expect(secretsIn(azureLoadTesting.connection, secrets)).toEqual([server.clientSecret, 'a-token-by-hand'])
  })
})

describe('a start', () => {
  test('runs the test by an id of ours, and answers the run at once', async () => {
    const { outcome } = await connected().start(checkout)
    const url = `https://portal.azure.com/#blade/testRunId/${id}`
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`azure-load-testing ${id}`]: url },
    })
    expect(run()).toMatchObject({ testRunId: id, testId: target, displayName: 'cloud-automation-webhooks 00000000' })
  })

  test('gives parameters as environment variables, which are text', async () => {
    await connected({ target }).start({ parameters: { host: 'shop.example.com', users: 50 } })
    expect(run().environmentVariables).toEqual({ host: 'shop.example.com', users: '50' })
  })

  test('with an unsafe environment variable is refused, unless the connection allows it', async () => {
    const input = { ...checkout, parameters: { JAVA_TOOL_OPTIONS: '-javaagent:x.jar' } }
    expect(await failureOf(connected().start(input))).toMatchObject({ kind: 'refused' })
    expect(server.calls).toEqual([])
    await connected({ allowParameters: ['JAVA_TOOL_OPTIONS'] }).start(input)
    expect(run()).toMatchObject({ environmentVariables: input.parameters })
  })

  test('has an id of its own where the call has no key', async () => {
    await connected().start(checkout, { key: undefined })
    await connected().start(checkout, { key: undefined })
    expect(new Set(server.state.runs.map(({ testRunId }) => testRunId)).size).toBe(2)
  })

  test.each([
    ['a name', { target: 'Checkout Load' }, 'input.target is no test'],
    ['another path', { target: '../tests' }, 'input.target is no test'],
    ['a version', { target, ref: 'main' }, 'input.ref is of no use'],
    ['a project', { target, project: 'shop' }, 'input.project is of no use'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('says in the words of Azure what it refuses', async () => {
    const failure = await failureOf(connected().start({ target: 'nope' }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain("Test couldn't find with given identifier nope")
    server.state.mayWrite = false
    expect((await failureOf(connected().start(checkout))).message).toContain('assign Load Test Contributor')
  })

  test('waits as long as Azure asks for', async () => {
    await azureLoadTesting.check(connected().client())
    server.failNext(429, { error: { code: 'TooManyRequests' } }, { headers: { 'retry-after': '9' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, retryAfter: 9 })
  })
})

describe('a start whose answer was lost', () => {
  test('is found by its id', async () => {
    server.loseNext('PATCH')
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, afterWrite: true })
    server.finish('DONE', 'PASSED')
    const { outcome } = await connected().start(checkout, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('is started where it is not there', async () => {
    server.failNext(502, '<html>', { on: 'PATCH' })
    await failureOf(connected().start(checkout))
    await connected().start(checkout, { isRetry: true })
    expect(server.state.runs).toHaveLength(1)
  })

  test('is one run at a second delivery of its event', async () => {
    await connected().start(checkout)
    await connected().start(checkout)
    expect(server.state.runs).toHaveLength(1)
  })
})

describe('a run', () => {
  test.each([
    ...['ACCEPTED', 'NOTSTARTED', 'VALIDATION_SUCCESS', 'PROVISIONING', 'PROVISIONED', 'CONFIGURING', 'CONFIGURED'],
    ...['EXECUTING', 'EXECUTED', 'DEPROVISIONING', 'DEPROVISIONED', 'CANCELLING'],
  ])('that is %s goes on', async (status) => {
    const begun = await connected().start(checkout)
    run().status = status
    expect(await connected().poll(begun, checkout)).toMatchObject({ status: status })
  })

  test('with a status or a result that is not known goes on', async () => {
    const begun = await connected().start(checkout)
    server.finish('DONE', 'EXPLODED')
    expect(await connected().poll(begun, checkout)).toMatchObject({
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
  ])('that is %s with %s ends as %s: %s, %s', async (status, testResult, state, ended, result) => {
    const begun = await connected().start(checkout)
    server.finish(status, testResult)
    expect(await connected().end(begun, checkout)).toMatchObject({ status: ended, result, data: { id, state } })
  })

  test('tells its numbers, which thresholds are held against', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'p95', op: '<', value: 500 }] }
    const begun = await connected().start(input)
    const counts = { transaction: 'Total', sampleCount: 1000, errorCount: 20, errorPct: 2, throughput: 16.6 }
    const times = { meanResTime: 213.5, medianResTime: 190, minResTime: 12, maxResTime: 2210 }
    const percentiles = { pct1ResTime: 402, pct2ResTime: 612, pct3ResTime: 1100 }
    server.finish('DONE', 'PASSED', {
      testRunStatistics: { Total: { ...counts, ...times, ...percentiles }, Login: { sampleCount: 1 } },
    })
    const numbers = { mean: 213.5, p50: 190, min: 12, max: 2210, p90: 402, p95: 612, p99: 1100 }
    const ended = await connected().end(begun, input)
    expect(ended).toMatchObject({
      result: 'fail',
      data: { ...numbers, requests: 1000, errors: 20, errorRate: 0.02, rps: 16.6, duration: 60, users: 50 },
    })
    expect(ended.message).toContain('p95 is 612, not < 500')
  })

  test('names the criteria that failed, with their value and limit', async () => {
    const begun = await connected().start(checkout)
    const slow = { clientMetric: 'response_time_ms', aggregate: 'p95', condition: '>', value: 500, actualValue: 612 }
    const wrong = { clientmetric: 'error', aggregate: 'percentage', condition: '>', value: 1, actualValue: 0 }
    const passFailMetrics = {
      a: { ...slow, action: 'continue', result: 'failed', requestName: 'Log in' },
      b: { ...wrong, action: 'continue', result: 'passed' },
      c: { ...wrong, actualValue: 7, action: 'stop', result: 'failed' },
    }
    server.finish('DONE', 'FAILED', { passFailCriteria: { passFailMetrics } })
    const ended = await connected().end(begun, checkout)
    expect(ended.message).toContain(
      'p95 of response_time_ms for Log in is 612 (fails at > 500); percentage of error is 7 (fails at > 1)',
    )
    expect(ended.data['failedCriteria']).toEqual([
      { criterion: 'p95 of response_time_ms', request: 'Log in', value: 612, fails: '> 500' },
      { criterion: 'percentage of error', value: 7, fails: '> 1' },
    ])
  })

  test('names the criteria on metrics of servers that failed, with the name of the resource', async () => {
    const begun = await connected().start(checkout)
    const cpu = {
      resourceId: '/subscriptions/1/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/cart',
      metricNamespace: 'Microsoft.Compute/virtualMachines',
      ...{ metricName: 'Percentage CPU', aggregation: 'Average', condition: '>', value: 80, action: 'continue' },
    }
    const passFailServerMetrics = {
      a: { ...cpu, actualValue: 93.5, result: 'failed' },
      b: { ...cpu, metricName: 'Memory', actualValue: 1, result: 'passed' },
    }
    server.finish('DONE', 'FAILED', { passFailCriteria: { passFailServerMetrics } })
    const ended = await connected().end(begun, checkout)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(ended.message).toContain(': Average of Percentage CPU for cart is 93.5 (fails at > 80)')
    expect(ended.data['failedCriteria']).toEqual([
      { criterion: 'Average of Percentage CPU', resource: 'cart', value: 93.5, fails: '> 80' },
    ])
  })

  test('says why it could not run', async () => {
    const begun = await connected().start(checkout)
    server.finish('FAILED', 'NOT_APPLICABLE', { errorDetails: [{ message: 'The JMX file is not valid.' }] })
    expect((await connected().end(begun, checkout)).message).toBe(
      `Test run ${id} ended as FAILED: The JMX file is not valid.`,
    )
  })

  test('is looked at again where Azure is down, and refused where it is gone', async () => {
    const begun = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(begun, checkout))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(begun, checkout))).toMatchObject({ kind: 'refused' })
  })
})

describe('stop-test', () => {
  test('asks for the end of a run, and waits for it', async () => {
    await connected().start(checkout)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still CANCELLING' })
    server.finish('CANCELLED')
    expect((await connected().stop({ id })).message).toBe(`Test run ${id} had ended already (CANCELLED)`)
    expect(calls('POST').filter(({ path }) => path === `/test-runs/${id}:stop`)).toHaveLength(1)
  })

  test('passes where the run ends between our look and the stop', async () => {
    await connected().start(checkout)
    server.finish('DONE', 'PASSED')
    await azureLoadTesting.stop(connected().client(), { id })
    expect(run().status).toBe('DONE')
  })

  test('says why Azure does not do it', async () => {
    await connected().start(checkout)
    server.state.mayWrite = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('assign Load Test Contributor')
    expect((await failureOf(connected().stop({ id: 'nope' }))).message).toContain('identifier nope')
    expect((await failureOf(connected().stop({ id: 'no/pe' }))).message).toContain('input.id is no test run')
  })
})
