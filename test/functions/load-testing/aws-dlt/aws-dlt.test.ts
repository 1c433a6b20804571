import { jobRow } from './fake.ts'
import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsDlt } from '../../../../functions/load-testing/aws-dlt/aws-dlt.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure } from '../../helpers.ts'
import { loadTestActions } from '../../job-actions.ts'
import { listedStates } from './states.ts'

const target = 'xLSxdVZzcP'
const checkout = { target }
const id = `${target}@2026-01-01T10:00:00Z`
const total = {
  succ: 5940,
  fail: 60,
  throughput: 6000,
  testDuration: '120',
  concurrency: '20',
  avg_rt: '0.21352',
  p0_0: '0.012',
  p50_0: '0.190',
  p90_0: '0.402',
  p95_0: '0.612',
  p99_0: '1.100',
  p100_0: '2.210',
}
const limits = (vCPULimit: number, vCPUsInUse: number) =>
  withState({ capacity: { 'eu-west-1': { vCPULimit, vCPUsInUse, vCPUsPerTask: 2 } } })
/** Another caller runs the scenario again. */
const runAgain = () =>
  Object.assign(server.state.scenario, { status: 'running', startTime: '2026-01-01 11:00:00', results: {} })

const { server, connected } = jobConformance(awsDlt, loadTestActions, jobRow, {
  states: vendorStates(
    listedStates,
    { running: ['parsing results', 'cleaning up'], errored: ['failed'] },
    {
      created: 'of a scenario that was never started: a run has others',
      scheduled: 'of a scenario that starts later by itself, which we never ask for',
    },
  ),
  unsupported: ['project', 'ref', 'parameters'],
  invalidStarts: [
    { name: 'a name with a space', input: { target: 'check out' }, message: 'input.target must be a scenario id' },
    { name: 'another path', input: { target: '../vCPUDetails' }, message: 'input.target must be a scenario id' },
  ],
  refused: [
    { name: 'no stack in a region', change: withState({ capacity: {} }), reason: 'has no stack in eu-west-1' },
    { name: 'more tasks than the limit', change: limits(2, 0), reason: 'needs 2 tasks, but Fargate can run at most 1' },
    { name: 'an unknown scenario', input: { target: 'nope' }, reason: "TEST_NOT_FOUND: testId 'nope' not found" },
    {
      name: 'a role that may not call the API',
      change: withState({ mayInvoke: false }),
      reason: 'not authorized to perform: execute-api:I',
    },
  ],
  measures: {
    end: ({ finish }) => finish('complete', { results: { total } }),
    metrics: {
      mean: 213.52,
      min: 12,
      p50: 190,
      p90: 402,
      p95: 612,
      p99: 1100,
      max: 2210,
      duration: 120,
      requests: 6000,
      errors: 60,
      errorRate: 0.01,
      rps: 50,
    },
  },
  slowStop: { state: 'cancelling' },
  stopsBy: { id: target },
  refusedStops: [{ id: 'nope', reason: "TEST_NOT_FOUND: testId 'nope' not found" }],
  check: ['GET /prod/scenarios'],
  waits: [
    { name: 'another run of the scenario', change: 'running', reason: 'checkout cannot start yet: TEST_RUNNING' },
    { name: 'capacity', change: limits(100, 98), reason: 'needs 2 tasks, but Fargate has room for 1' },
  ],
  reports: [
    {
      name: 'the reason of a failure',
      change: ({ finish }) => finish('failed', { errorReason: 'Task failure threshold breached' }),
      reported: { message: `Test run ${id} ended as failed: Task failure threshold breached` },
    },
    {
      name: 'thresholds without a result',
      change: ({ finish }) => finish('complete'),
      reported: { result: 'fail', message: expect.stringContaining('p95 was not measured') },
      input: { thresholds: [{ metric: 'p95', op: '<', value: 500 }] },
    },
  ],
  invalidIds: { ids: ['x@2026', '../x', `${target}@2026-01-01 10:00:00`], message: 'such as xLSxdVZzcP@2026' },
})

test('AWS DLT: connection signs requests for API Gateway', async () => {
  await awsDlt.check(connected().client())
  expect(server.calls[0]?.headers['authorization']).toContain('/eu-west-1/execute-api/aws4_request')
  const message = '403 to GET /prod/scenarios/xLSxdVZzcP: Credential should be scoped to'
  await expectFailure(connected({ region: 'eu-west-2' }).start(checkout), 'refused', message)
})

test('AWS DLT: connection derives its region from its URL', () => {
  const at = (baseUrl: string) => awsDlt.authorization(awsDlt.connection.parse({ baseUrl }))
  expect(at('https://abcde12345.execute-api.eu-west-1.amazonaws.com/prod')).toBeDefined()
  expect(at('https://abcde12345.execute-api.cn-north-1.amazonaws.com.cn/prod')).toBeDefined()
  expect(() => at('https://load.example.com')).toThrow('needs a region')
})

describe('AWS DLT: start', () => {
  test('saves the scenario again without changes, and links to it', async () => {
    const { outcome } = await connected({ consoleUrl: 'https://d111.cloudfront.net/' }).start(checkout)
    expect(outcome.data['url']).toBe('https://d111.cloudfront.net/scenarios/xLSxdVZzcP')
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
    await connected().start(checkout)
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
})

test('AWS DLT: a run is distinguished from a later run of its scenario', async () => {
  const started = await connected().start(checkout)
  server.finish('complete', { results: { total } })
  runAgain()
  expect(await connected().end(started, checkout)).toMatchObject({ result: 'pass', data: { id, p95: 612 } })
  server.state.runs = []
  const message = 'has no run of checkout that started at 2026-01-01 10:00:00'
  await expectFailure(connected().poll(started, checkout), 'refused', message)
})

describe('AWS DLT: stop-test', () => {
  test('reports a scenario that has never run', async () => {
    const message = 'checkout has never run: its status is created.'
    await expectFailure(connected().stop({ id: target }), { message })
  })

  test('never stops another run of the scenario', async () => {
    await connected().start(checkout)
    server.finish('complete')
    runAgain()
    await connected().stop({ id })
    await awsDlt.stop(connected().client(), { id })
    expect(server.state.scenario.status).toBe('running')
  })
})
