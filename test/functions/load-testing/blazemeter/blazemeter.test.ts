import { expect, test } from '@jest/globals'
import { blazemeter } from '../../../../functions/load-testing/blazemeter/blazemeter.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure } from '../../helpers.ts'
import { loadTestActions } from '../../job-actions.ts'
import { type BlazemeterServer, jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const checkout = { target: '9876543' }
const id = '74512345'
const criterion = { label: 'ALL', kpi: 'responseTime.avg', op: 'gt', value: 100 }
const errors = [{ code: 0, message: 'Session failed' }]

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

const { server, connected } = jobConformance(blazemeter, loadTestActions, jobRow, {
  states: vendorStates(listedStates, {
    running: ['CREATED', 'BOOTING', 'DATA_RECEIVED', 'TAURUS IMAGE DOWNLOADING', 'ENDED'],
    warning: ['ENDED/unset'],
    errored: ['ENDED/noData'],
  }),
  unknownStates: ['ENDED/exploded', 'ENDED/constructor'],
  unsupported: ['project', 'ref'],
  invalidStarts: [
    { name: 'a name', input: { target: 'Checkout' }, message: 'input.target must be a test id' },
    { name: 'another path', input: { target: '../masters/1' }, message: 'input.target must be a test id' },
  ],
  refused: [
    {
      name: 'an unknown test',
      input: { target: '1' },
      reason: '404 to POST /api/v4/tests/1/start: Not Found: Test not found',
    },
    {
      name: 'an error in a 200',
      change: withState({ saysNoWith200: true, tests: [] }),
      reason: '404 to POST /api/v4/tests/9876543/start: Not',
    },
    { name: 'a key that may not run it', change: withState({ mayWrite: false }), reason: '403 to POST' },
  ],
  measures: {
    end: ({ finish }) => finish('pass', { summary }),
    metrics: {
      mean: 147.25,
      min: 3,
      max: 977,
      p90: 212,
      requests: 2482,
      errors: 124,
      errorRate: 0.04995971,
      rps: 24.82,
      duration: 100,
    },
  },
  slowStop: { state: 'DATA_RECEIVED', change: withState({ stubborn: true }) },
  refusedStops: [
    { change: withState({ mayWrite: false }), reason: 'do not have permission to stop' },
    { id: '1', reason: '404 to GET' },
  ],
  check: ['GET /api/v4/user'],
  sends: [
    { name: 'a multi-test', input: { target: 'multi:555' }, request: { path: '/api/v4/multi-tests/555/start' } },
    {
      name: 'parameters as properties',
      input: { parameters: { users: 50 } },
      request: { body: { data: { configuration: { plugins: { remoteControl: [{ key: 'users', value: '50' }] } } } } },
    },
  ],
  reports: [
    ...['pass', 'fail'].map((noVerdict) => ({
      name: `the verdict of the connection if its test has no criteria: ${noVerdict}`,
      change: ({ finish }: BlazemeterServer) => finish('unset'),
      reported: {
        status: 'succeeded',
        result: noVerdict,
        message: expect.stringContaining('its test has no failure criteria'),
      },
      connection: { noVerdict },
    })),
    {
      name: 'no percentile that was not measured',
      change: ({ finish }) => finish('pass', { summary }),
      reported: { data: expect.not.objectContaining({ p95: expect.anything() }) },
    },
    {
      name: 'the failed criteria',
      change: ({ finish }) => finish('fail', { failures: [{ ...criterion, nested: {} }], errors }),
      reported: {
        message: expect.stringContaining('label ALL, kpi responseTime.avg, op gt, value 100; Session failed'),
        data: { failedCriteria: [criterion] },
      },
    },
  ],
  failedChecks: [false, true].map((saysNoWith200) => ({
    reason: 'Invalid API key',
    connection: { password: 'a-wrong-secret' },
    change: withState({ saysNoWith200 }),
    kind: 'credentials',
  })),
  url: ({ url }) => `${url}/app/#/masters/${id}`,
  stores: { read: ({ state }) => state.masters, expected: [{ test: 'tests/9876543', body: { isDebugRun: false } }] },
  invalidIds: { ids: ['1/x', '../1', 'x'], message: 'such as 74512345' },
  refusal: (message) => ({ error: { code: 400, message }, result: null }),
})

test('BlazeMeter: a start has an unknown outcome after an error in a 200', async () => {
  const body = { error: { code: 500, message: 'Internal error' }, result: null }
  server.failNext(200, body, { on: 'POST', done: true })
  await expectFailure(connected().start(checkout), 'unconfirmed')
})

test('BlazeMeter: stop-test stops a run gracefully, even if its id is a number', async () => {
  await connected().start(checkout)
  expect((await connected().stop({ id: Number(id) })).message).toBe(`Stopped test run ${id} (ENDED/unset)`)
  expect(server.calls.filter(({ method }) => method === 'POST').at(-1)?.path).toBe(`/api/v4/masters/${id}/stop`)
})
