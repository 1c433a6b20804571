import { expect, test } from '@jest/globals'
import { blazemeter } from '../../../functions/load-testing/providers/blazemeter.ts'
import { jobConformance, withState } from '../../conformance/job.ts'
import { loadTestPlatforms } from '../../conformance/job-platforms/load-testing.ts'
import type { BlazemeterServer } from '../../platforms/blazemeter.ts'
import { expectFailure } from '../helpers.ts'
import { loadTestActions } from '../job-actions.ts'

const checkout = { target: '9876543' }
const id = '74512345'
const criterion = { label: 'ALL', kpi: 'responseTime.avg', op: 'gt', value: 100 }
const errors = [{ code: 0, message: 'Session failed' }]

const summary = {
  ...{ id: 'ALL', lb: 'ALL', hits: 2482, failed: 124, avg: 147.25, min: 3, max: 977, tp90: 212, tp95: null },
  ...{ first: 1_700_000_000, last: 1_700_000_100, duration: 100 },
}

const { server, connected } = jobConformance(blazemeter, loadTestActions, loadTestPlatforms.blazemeter, {
  states: {
    running: ['CREATED', 'BOOTING', 'DATA_RECEIVED', 'TAURUS IMAGE DOWNLOADING', 'ENDED'],
    pass: ['ENDED/pass'],
    warning: ['ENDED/unset'],
    fail: ['ENDED/fail'],
    aborted: ['ENDED/abort'],
    errored: ['ENDED/error', 'ENDED/noData'],
  },
  unknownStates: ['ENDED/exploded', 'ENDED/constructor'],
  unsupported: ['project', 'ref'],
  invalidStarts: [
    ['a name', { target: 'Checkout' }, 'input.target must be a test id'],
    ['another path', { target: '../masters/1' }, 'input.target must be a test id'],
  ],
  refused: [
    ['an unknown test', { target: '1' }, '404 to POST /api/v4/tests/1/start: Not Found: Test not found'],
    [
      'an error in a 200',
      withState({ saysNoWith200: true, tests: [] }),
      '404 to POST /api/v4/tests/9876543/start: Not',
    ],
    ['a key that may not run it', withState({ mayWrite: false }), '403 to POST'],
  ],
  measures: [
    ({ finish }) => finish('pass', { summary }),
    {
      ...{ mean: 147.25, min: 3, max: 977, p90: 212, requests: 2482 },
      ...{ errors: 124, errorRate: 0.04995971, rps: 24.82, duration: 100 },
    },
  ],
  slowStop: ['DATA_RECEIVED', withState({ stubborn: true })],
  refusedStops: [
    [withState({ mayWrite: false }), 'do not have permission to stop'],
    ['1', '404 to GET'],
  ],
  check: ['GET /api/v4/user'],
  sends: [
    ['a multi-test', { target: 'multi:555' }, { path: '/api/v4/multi-tests/555/start' }],
    [
      'parameters as properties',
      { parameters: { users: 50 } },
      { body: { data: { configuration: { plugins: { remoteControl: [{ key: 'users', value: '50' }] } } } } },
    ],
  ],
  reports: [
    ...['pass', 'fail'].map((noVerdict): [string, (server: BlazemeterServer) => void, object, object, object] => [
      `the verdict of the connection if its test has no criteria: ${noVerdict}`,
      ({ finish }) => finish('unset'),
      { status: 'succeeded', result: noVerdict, message: expect.stringContaining('its test has no failure criteria') },
      {},
      { noVerdict },
    ]),
    [
      'no percentile that was not measured',
      ({ finish }) => finish('pass', { summary }),
      { data: expect.not.objectContaining({ p95: expect.anything() }) },
    ],
    [
      'the failed criteria',
      ({ finish }) => finish('fail', { failures: [{ ...criterion, nested: {} }], errors }),
      {
        message: expect.stringContaining('label ALL, kpi responseTime.avg, op gt, value 100; Session failed'),
        data: { failedCriteria: [criterion] },
      },
    ],
  ],
  failedChecks: [false, true].map((saysNoWith200) => [
    'Invalid API key',
    { password: 'a-wrong-secret' },
    withState({ saysNoWith200 }),
    'credentials',
  ]),
  url: ({ url }) => `${url}/app/#/masters/${id}`,
  stores: [({ state }) => state.masters, [{ test: 'tests/9876543', body: { isDebugRun: false } }]],
  invalidIds: [['1/x', '../1', 'x'], 'such as 74512345'],
  refusal: (message) => ({ error: { code: 400, message }, result: null }),
})

test('BlazeMeter: a start has an unknown outcome after an error in a 200', async () => {
  const body = { error: { code: 500, message: 'Internal error' }, result: null }
  server.failNext(200, body, { on: 'POST', done: true })
  await expectFailure(connected().start(checkout), 'unconfirmed')
})

test('BlazeMeter: stop-test stops a run gracefully, also if its id is a number', async () => {
  await connected().start(checkout)
  expect((await connected().stop({ id: Number(id) })).message).toBe(`Stopped test run ${id} (ENDED/unset)`)
  expect(server.calls.filter(({ method }) => method === 'POST').at(-1)?.path).toBe(`/api/v4/masters/${id}/stop`)
})
