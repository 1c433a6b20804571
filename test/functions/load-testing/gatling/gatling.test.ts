import { expect, test } from '@jest/globals'
import { gatling } from '../../../../functions/load-testing/gatling/gatling.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { loadTestActions } from '../../job-actions.ts'
import { type GatlingServer, jobRow } from './fake.ts'

const checkout = { target: 'kqCL3sMdpbcTDBUwQZKx7Q' }
const id = 'run-1-of-the-test'
const missed = [600, 601, 602, 603].map((actualValue, at) => ({
  message: `p9${at} < 500`,
  succeed: false,
  actualValue,
}))
const met = { message: 'errors < 1 %', succeed: true, actualValue: 0.1 }

const reasons = [{ code: 'title', message: 'title must be trimmed' }]

const { server, connected } = jobConformance(gatling, loadTestActions, jobRow, {
  states: {
    running: ['Building', 'Deploying', 'Deployed', 'Injecting', 'StopRequested'],
    pass: ['Successful', 'AssertionsSuccessful'],
    fail: ['AssertionsFailed', 'AutomaticallyStopped', 'StopCriteriaTriggered'],
    aborted: ['Stopped', 'ManuallyStopped'],
    errored: ['Timeout', 'BuildFailed', 'Broken', 'DeploymentFailed', 'InsufficientLicense', 'InvalidLicense'],
  },
  unsupported: ['project', 'ref'],
  invalidStarts: [
    { name: 'an invalid target', input: { target: '../tests' }, message: 'input.target must be a test id' },
  ],
  refused: [
    {
      name: 'an unknown test',
      input: { target: 'nope' },
      reason: '404 to POST /api/public/v2/tests/nope/runs: The test was not',
    },
    { name: 'a token without a role', change: withState({ mayStart: false }), reason: ': The role Start' },
    {
      name: 'an invalid request',
      change: ({ failNext }) => failNext(400, { code: 'bad', message: 'It is not valid', reasons }, { on: 'POST' }),
      reason: 'is not valid; title must be trimmed',
    },
  ],
  measures: { end: ({ enter }) => enter('Successful', true), metrics: { duration: 270 } },
  slowStop: { state: 'StopRequested', change: withState({ slow: true }) },
  refusedStops: [
    { change: withState({ mayStart: false }), reason: 'The role Start is required' },
    { id: 'nope', reason: '404 to GET' },
  ],
  check: ['GET /api/public/v2/runs'],
  defaults: { baseUrl: 'https://api.gatling.io' },
  sends: [
    {
      name: 'parameters as system properties, as text',
      input: { parameters: { users: 20, host: 'https://shop.example.com', warm: true } },
      request: {
        body: { extra: { systemProperties: { users: '20', host: 'https://shop.example.com', warm: 'true' } } },
      },
    },
  ],
  reports: [
    {
      name: 'its number and its state',
      change: ({ enter }) => enter('Injecting'),
      reported: { status: 'Injecting', progress: 'run #1, Injecting' },
    },
    ...(
      [
        ['Done', true, 'succeeded', 'pass'],
        ['Done', false, 'succeeded', 'fail'],
        ['Successful', false, 'succeeded', 'fail'],
        ['Injecting', true, 'succeeded', 'pass'],
        ['ManuallyStopped', true, 'aborted', 'fail'],
        ['Broken', false, 'errored', 'fail'],
      ] as const
    ).map(([state, successful, status, result]) => ({
      name: `${state} with the outcome ${successful} as ${status}, ${result}`,
      change: ({ enter }: GatlingServer) => enter(state, successful),
      reported: { status, result, data: { state } },
    })),
    {
      name: 'the missed assertions and their values',
      change: ({ enter }) => enter('AssertionsFailed', false, [met, ...missed]),
      reported: {
        message: `Run ${id} ended as AssertionsFailed: p90 < 500 (it was 600); p91 < 500 (it was 601); p92 < 500 (it was 602); and 1 more`,
        data: {
          start: '2026-11-24T10:01:00.000Z',
          end: '2026-11-24T10:05:30.000Z',
          duration: 270,
          number: 1,
          assertions: 5,
          failedAssertions: 4,
          missed: missed.map(({ message, actualValue }) => `${message} (it was ${actualValue})`),
        },
      },
    },
  ],
  url: `https://cloud.gatling.io/o/acme/runs/${id}`,
  stores: { read: ({ state }) => state.runs[0]?.title, expected: `cloud-automation-webhooks ${keyOf(1)}` },
  invalidIds: { ids: ['../1', 'a/b', 'a b'], message: 'must be a run id such as' },
})

test('Gatling: a start is refused while the test is running', async () => {
  await connected().start(checkout, { key: keyOf(2) })
  await expectFailure(connected().start(checkout), 'refused', 'in progress')
})

test('Gatling: a start has no link if Gatling returns an invalid URL', async () => {
  server.state.page = 'runs/'
  expect((await connected().start(checkout)).outcome.links).toEqual({})
})
