import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { awsDlt } from '../../../functions/load-testing/providers/aws-dlt.ts'
import { type AwsDltServer, startAwsDlt } from '../../../infra/platforms/aws-dlt.ts'
import { failureOf } from '../helpers.ts'
import { loadTest } from './load-test.ts'

let server: AwsDltServer
beforeEach(async () => {
  server = await startAwsDlt()
})
afterEach(() => server.close())

const target = 'xLSxdVZzcP'
const checkout = { target }
const id = `${target}@2026-01-01T10:00:00Z`

const connected = (fields: object = {}) =>
  loadTest(awsDlt, () => ({ baseUrl: `${server.url}/prod`, region: 'eu-west-1', ...fields }))
const posts = () => server.calls.filter(({ method }) => method === 'POST')
const total = {
  succ: 5940,
  fail: 60,
  throughput: 6000,
  testDuration: '120',
  concurrency: '20',
  ...{
    avg_rt: '0.21352',
    p0_0: '0.012',
    p50_0: '0.190',
    p90_0: '0.402',
    p95_0: '0.612',
    p99_0: '1.100',
    p100_0: '2.210',
  },
}
/** Another caller runs the scenario again. */
const runAgain = () =>
  Object.assign(server.state.scenario, { status: 'running', startTime: '2026-01-01 11:00:00', results: {} })

describe('AWS DLT: connection', () => {
  test('the check lists scenarios, signed for API Gateway', async () => {
    await awsDlt.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/prod/scenarios'])
    expect(server.calls[0]?.headers['authorization']).toContain('/eu-west-1/execute-api/aws4_request')
  })

  test('derives its region from its URL', () => {
    const at = (baseUrl: string) => awsDlt.authorization(awsDlt.connection.parse({ baseUrl }))
    expect(at('https://abcde12345.execute-api.eu-west-1.amazonaws.com/prod')).toBeDefined()
    expect(at('https://abcde12345.execute-api.cn-north-1.amazonaws.com.cn/prod')).toBeDefined()
    expect(() => at('https://load.example.com')).toThrow('needs a region')
  })

  test('names the missing permission', async () => {
    server.state.mayInvoke = false
    const failure = await failureOf(connected().start(checkout))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('is not authorized to perform: execute-api:Invoke')
  })

  test('reports a rejected signature', async () => {
    const failure = await failureOf(connected({ region: 'eu-west-2' }).start(checkout))
    expect(failure.message).toContain('403 to GET /prod/scenarios/xLSxdVZzcP: Credential should be scoped to')
  })
})

describe('AWS DLT: start', () => {
  test('saves the scenario again without changes and returns the run at once', async () => {
    const { outcome } = await connected({ consoleUrl: 'https://d111.cloudfront.net/' }).start(checkout)
    const url = 'https://d111.cloudfront.net/scenarios/xLSxdVZzcP'
    expect(outcome).toMatchObject({ result: 'pass', data: { id, url, state: 'started' } })
    const { testScenario } = server.state.scenario
    expect(server.state.starts).toEqual([
      {
        testId: target,
        testName: 'checkout',
        testDescription: 'checkout load',
        testType: 'simple',
        fileType: 'none',
        showLive: false,
        tags: ['shop'],
        healthyThreshold: 80,
        scheduleTimezone: 'UTC',
        testScenario,
        testTaskConfigs: [{ region: 'eu-west-1', taskCount: 2, concurrency: 10 }],
        regionalTaskDetails: {
          'eu-west-1': { vCPULimit: 100, vCPUsInUse: 20, vCPUsPerTask: 2, dltAvailableTasks: 40 },
        },
      },
    ])
  })

  test('preserves the schedule of the scenario and its native run mode', async () => {
    const saved = {
      cronValue: '0 8 * * *',
      cronExpiryDate: '2027-01-31',
      nativeRunMode: { maxTestDurationSeconds: 60 },
    }
    Object.assign(server.state.scenario, { ...saved, scheduleRecurrence: 'daily' })
    await connected({ target }).start({})
    expect(server.state.starts[0]).toMatchObject({ ...saved, recurrence: 'daily' })
    expect(server.state.starts[0]).not.toHaveProperty('scheduleStep')
  })

  test('accepts a scenario as text and an unknown capacity', async () => {
    const { testScenario } = server.state.scenario
    Object.assign(server.state.scenario, { testScenario: JSON.stringify(testScenario) })
    server.state.capacity = { 'eu-west-1': { vCPUsPerTask: 2 } }
    await connected().start(checkout)
    const regionalTaskDetails = { 'eu-west-1': { dltAvailableTasks: 2 } }
    expect(server.state.starts[0]).toMatchObject({ testScenario, regionalTaskDetails })
  })

  test.each([
    ['a name with a space', { target: 'check out' }, 'input.target must be a scenario id'],
    ['another path', { target: '../vCPUDetails' }, 'input.target must be a scenario id'],
    ['parameters', { target, parameters: { users: 5 } }, 'input.parameters is not supported'],
    ['a version', { target, ref: 'main' }, 'input.ref is not supported'],
    ['a project', { target, project: 'shop' }, 'input.project is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that the solution gives', async () => {
    const failure = await failureOf(connected().start({ target: 'nope' }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain("TEST_NOT_FOUND: testId 'nope' not found")
  })

  test('waits while another run of the scenario is running', async () => {
    runAgain()
    const failure = await failureOf(connected().start(checkout))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('checkout cannot start yet: TEST_RUNNING')
    server.finish('complete')
    await connected().start(checkout)
    expect(server.state.starts).toHaveLength(1)
  })

  test.each([
    ['no stack in a region', {}, 'refused', 'has no stack in eu-west-1'],
    [
      'more tasks than the limit',
      { 'eu-west-1': { vCPULimit: 2, vCPUsInUse: 0, vCPUsPerTask: 2 } },
      'refused',
      'needs 2 tasks, but Fargate can run at most 1',
    ],
    [
      'too little free capacity',
      { 'eu-west-1': { vCPULimit: 100, vCPUsInUse: 98, vCPUsPerTask: 2 } },
      'platform',
      'needs 2 tasks, but Fargate has room for 1',
    ],
  ])('does not start with %s', async (_what, capacity, kind, message) => {
    server.state.capacity = capacity
    const failure = await failureOf(connected().start(checkout))
    expect(failure).toMatchObject({ kind, mayHaveWritten: false })
    expect(failure.message).toContain(message)
    expect(posts()).toEqual([])
  })

  test('returns Retry-After of API Gateway', async () => {
    server.failNext(429, { message: 'Too Many Requests' }, { headers: { 'retry-after': '5' } })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ transient: true, retryAfter: 5 })
  })
})

describe('AWS DLT: start with an unknown outcome', () => {
  test('is not retried, because runs have no key', async () => {
    server.loseNext('POST')
    const failure = await failureOf(connected().start(checkout))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(connected().start(checkout, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(posts()).toHaveLength(1)
  })

  test('a timeout of API Gateway is one, too', async () => {
    server.failNext(504, { message: 'Endpoint request timed out' }, { on: 'POST', done: true })
    expect(await failureOf(connected().start(checkout))).toMatchObject({ kind: 'doubtful' })
  })
})

describe('AWS DLT: run', () => {
  test.each(['queued', 'provisioning', 'running', 'parsing results', 'cleaning up', 'cancelling'])(
    'keeps running in the state %s',
    async (status) => {
      const started = await connected().start(checkout)
      server.state.scenario.status = status
      expect(await connected().poll(started, checkout)).toMatchObject({ status: status })
    },
  )

  test('keeps running in an unknown state', async () => {
    const started = await connected().start(checkout)
    server.state.scenario.status = 'exploding'
    expect(await connected().poll(started, checkout)).toMatchObject({ status: 'exploding (unknown state)' })
  })

  test.each([
    ['complete', 'succeeded', 'pass'],
    ['cancelled', 'aborted', 'fail'],
    ['failed', 'errored', 'fail'],
  ])('in the state %s, ends as %s, %s', async (state, status, result) => {
    const started = await connected().start(checkout)
    server.finish(state)
    expect(await connected().end(started, checkout)).toMatchObject({ status, result, data: { id, state } })
  })

  test('reports its numbers in milliseconds, which thresholds can use', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'p95', op: '<', value: 500 }] }
    const started = await connected().start(input)
    server.finish('complete', { results: { total } })
    const times = { mean: 213.52, min: 12, p50: 190, p90: 402, p95: 612, p99: 1100, max: 2210 }
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({
      result: 'fail',
      data: { ...times, requests: 6000, errors: 60, errorRate: 0.01, rps: 50, duration: 120 },
    })
    expect(ended.message).toContain('p95 is 612, not < 500')
  })

  test('without results, misses every threshold', async () => {
    const input = { ...checkout, thresholds: [{ metric: 'p95', op: '<', value: 500 }] }
    const started = await connected().start(input)
    server.finish('complete')
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('p95 was not measured'),
    })
  })

  test('reports the reason of a failure', async () => {
    const started = await connected().start(checkout)
    server.finish('failed', { errorReason: 'Task failure threshold breached: 1/1 tasks failed' })
    expect((await connected().end(started, checkout)).message).toBe(
      `Test run ${id} ended as failed: Task failure threshold breached: 1/1 tasks failed`,
    )
  })

  test('is distinguished from a later run of its scenario', async () => {
    const started = await connected().start(checkout)
    server.finish('complete', { results: { total } })
    runAgain()
    expect(await connected().end(started, checkout)).toMatchObject({ result: 'pass', data: { id, p95: 612 } })
    server.state.runs = []
    const failure = await failureOf(connected().poll(started, checkout))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('has no run of checkout that started at 2026-01-01 10:00:00')
  })

  test('keeps running while the solution is down', async () => {
    const started = await connected().start(checkout)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, checkout))).toMatchObject({ transient: true })
  })
})

describe('AWS DLT: stop-test', () => {
  test.each([id, target])('stops a run, by %s', async (given) => {
    await connected().start(checkout)
    server.state.stopsAtOnce = true
    expect(await connected().stop({ id: given })).toMatchObject({
      result: 'pass',
      message: `Stopped test run ${id} (cancelled)`,
    })
  })

  test('waits for a run that is still running', async () => {
    await connected().start(checkout)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still cancelling' })
  })

  test('never stops another run of the scenario', async () => {
    await connected().start(checkout)
    server.finish('complete')
    runAgain()
    expect((await connected().stop({ id })).message).toBe(`Test run ${id} had ended already (complete)`)
    await awsDlt.stop(connected().client(), { id })
    expect(server.state.scenario.status).toBe('running')
  })

  test('passes if the run ends between the poll and the stop', async () => {
    await connected().start(checkout)
    server.finish('complete')
    await awsDlt.stop(connected().client(), { id })
    expect(server.state.scenario.status).toBe('complete')
  })

  test('reports why a run cannot be stopped', async () => {
    expect((await failureOf(connected().stop({ id: target }))).message).toBe(
      'checkout has never run: its status is created.',
    )
    expect((await failureOf(connected().stop({ id: 'nope' }))).message).toContain('TEST_NOT_FOUND')
    for (const strange of ['x@2026', '../x', `${target}@2026-01-01 10:00:00`])
      expect((await failureOf(connected().stop({ id: strange }))).message).toContain('such as xLSxdVZzcP@2026')
  })
})
