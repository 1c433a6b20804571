import { expect, test } from '@jest/globals'
import { neoload } from '../../../../functions/load-testing/neoload/neoload.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { loadTestActions } from '../../job-actions.ts'
import { jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const project = '5e3acde2e860a132744ca916'
const checkout = { target: '5ed5350f-9f2f-4e2a-9acb-cdbcee874256', project }
const resultId = 'c6ff329e-ec09-4be3-b3c5-000000000000'

const posts = () => server.calls.filter(({ method }) => method === 'POST')
const result = () => newestOf(server.state.results)

const failed = (kpi: string, value: number, operator: string, values: number[]) => ({
  kpi,
  status: 'FAILED',
  value,
  failedThreshold: { operator, values },
})
const element = { elementId: 'e', name: 'Log in', category: 'TRANSACTION' }
const statistics = {
  totalRequestCountSuccess: 990,
  totalRequestCountFailure: 10,
  totalRequestCountPerSecond: 16.5,
  totalRequestDurationAverage: 0.25,
}

const { server, connected } = jobConformance(neoload, loadTestActions, jobRow, {
  states: vendorStates(
    listedStates,
    {
      running: ['INIT'],
      warning: ['TERMINATED/POLICY/UNKNOWN', 'TERMINATED/VARIABLE/UNKNOWN'],
      aborted: ['TERMINATED/MANUAL'],
      errored: [
        'TERMINATED/FAILED_TO_START',
        'TERMINATED/LG_AVAILABILITY',
        'TERMINATED/LICENSE',
        'TERMINATED/UNKNOWN',
        'TERMINATED/RESERVATION_ENDED',
      ],
    },
    { UNKNOWN: 'no state of the test: polled until it has one' },
  ),
  unknownStates: ['unheard-of', 'constructor', 'TERMINATED/EXPLODED'],
  unsupported: ['ref'],
  invalidStarts: [
    { name: 'no workspace', input: { project: undefined }, message: 'input.project is required' },
    { name: 'an invalid workspace', input: { project: '../x' }, message: 'input.project must look like' },
    { name: 'an invalid test', input: { target: 'a/b' }, message: 'input.target must be a test id' },
    {
      name: 'an unknown parameter',
      input: { parameters: { users: 5 } },
      message: 'contains users, but a start accepts only testResultName',
    },
  ],
  refused: [
    { name: 'an unknown test', input: { target: 'nope' }, reason: 'Test nope does not exist.' },
    { name: 'a token that may not run it', change: withState({ mayWrite: false }), reason: 'Unauthorized operation' },
  ],
  measures: {
    end: ({ finish }) => finish('POLICY', 'PASSED', { statistics }),
    metrics: { mean: 250, requests: 1000, errors: 10, errorRate: 0.01, rps: 16.5, duration: 600 },
    data: { mean: 250, rps: 16.5, start: '2023-11-14T22:13:20.000Z', end: '2023-11-14T22:23:20.000Z' },
  },
  slowStop: { state: 'RUNNING', change: withState({ stubborn: true }) },
  refusedStops: [
    { change: withState({ mayWrite: false }), reason: 'Unauthorized operation' },
    { id: `${project}#nope`, reason: '404 to GET' },
  ],
  check: ['GET /v3/workspaces'],
  reports: [
    {
      name: 'no verdict of its quality after a stop',
      change: ({ finish }) => finish('MANUAL', 'PASSED'),
      reported: { status: 'aborted', data: { state: 'TERMINATED/MANUAL' } },
    },
    {
      name: 'the failed SLAs with their value and limit',
      change: ({ finish }) =>
        finish('POLICY', 'FAILED', {
          slas: {
            statistics: [
              failed('avg-request-resp-time', 1.2, '>=', [1]),
              { kpi: 'errors-count', status: 'PASSED', value: 0 },
            ],
            'per-test': [{ ...failed('error-rate', 7, 'btw', [5, 9]), element }],
          },
        }),
      reported: {
        message: expect.stringContaining(
          'avg-request-resp-time is 1.2 (fails at >= 1); error-rate of Log in is 7 (fails at btw 5 and 9)',
        ),
        data: {
          failedSlas: [
            { sla: 'avg-request-resp-time', value: 1.2, fails: '>= 1' },
            { sla: 'error-rate', element: 'Log in', value: 7, fails: 'btw 5 and 9' },
          ],
        },
      },
    },
    {
      name: 'that its result is not available yet',
      change: withState({ comesLate: 1 }),
      reported: { status: 'INIT', progress: 'the result is not available yet' },
    },
  ],
  url: `https://neoload.saas.neotys.com/#!result/${resultId}/overview`,
  stores: {
    read: ({ state }) => state.results[0]?.query,
    expected: { testResultName: `cloud-automation-webhooks ${keyOf(1)}` },
  },
  invalidIds: { ids: [resultId, 'a/b#c', '#', `..#${resultId}`], message: `such as ${project}#c6ff329e` },
})

test('NeoLoad: start takes the workspace and the web app from the connection', async () => {
  const tool = connected({ project, webUrl: 'https://neoload.example.com/' })
  const { outcome } = await tool.start({ target: checkout.target })
  expect(outcome.data['url']).toBe(`https://neoload.example.com/#!result/${resultId}/overview`)
})

test("NeoLoad: start sends parameters in the query, and puts the caller's name before the key", async () => {
  const parameters = { testResultName: 'Release 1.2', reservationWebVUs: 50, publishTestResult: true }
  await connected().start({ ...checkout, parameters })
  const query = { testResultName: `Release 1.2 ${keyOf(1)}`, reservationWebVUs: '50', publishTestResult: 'true' }
  expect(result().query).toEqual(query)
})

test('NeoLoad: a run is refused if its result never appears', async () => {
  const started = await connected().start(checkout)
  server.state.results = []
  const later = { ...(started.job as object), providerState: { startedAt: Date.now() - 180_000 } }
  await expectFailure(connected().poll({ ...started, job: later }, checkout), 'refused', 'Resource not found')
})

test('NeoLoad: stop-test stops a run gracefully, also by the id of its result with the workspace', async () => {
  await connected().start(checkout)
  await connected().stop({ id: resultId, project })
  expect(posts().at(-1)?.body).toEqual({ stopPolicy: 'GRACEFUL' })
  expect(result().terminationReason).toBe('MANUAL')
})
