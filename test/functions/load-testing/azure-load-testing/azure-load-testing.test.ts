import { expect, test } from '@jest/globals'
import { azureLoadTesting } from '../../../../functions/load-testing/azure-load-testing/azure-load-testing.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { failureOf, keyOf } from '../../helpers.ts'
import { loadTestActions } from '../../job-actions.ts'
import { type AzureLoadTestingServer, jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const checkout = { target: '12345678-1234-1234-1234-123456789012' }
const id = keyOf(1)
const patches = () => server.calls.filter(({ method }) => method === 'PATCH')
const none = { tenantId: undefined, clientId: undefined, clientSecret: undefined }
const fail =
  (passFailCriteria: object) =>
  ({ finish }: AzureLoadTestingServer) =>
    finish('DONE', 'FAILED', { passFailCriteria })
const slow = { clientMetric: 'response_time_ms', aggregate: 'p95', condition: '>', value: 500, actualValue: 612 }
const wrong = { clientmetric: 'error', aggregate: 'percentage', condition: '>', value: 1, actualValue: 0 }
const cpu = {
  resourceId: '/subscriptions/1/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/cart',
  metricNamespace: 'Microsoft.Compute/virtualMachines',
  metricName: 'Percentage CPU',
  aggregation: 'Average',
  condition: '>',
  value: 80,
  action: 'continue',
}

const unsafe = { JAVA_TOOL_OPTIONS: '-javaagent:x.jar' }
const Total = {
  transaction: 'Total',
  sampleCount: 1000,
  errorCount: 20,
  errorPct: 2,
  throughput: 16.6,
  meanResTime: 213.5,
  medianResTime: 190,
  minResTime: 12,
  maxResTime: 2210,
  pct1ResTime: 402,
  pct2ResTime: 612,
  pct3ResTime: 1100,
}

const { server, connected } = jobConformance(azureLoadTesting, loadTestActions, jobRow, {
  states: vendorStates(listedStates, {
    running: ['ACCEPTED', 'VALIDATION_SUCCESS', 'PROVISIONED', 'CONFIGURED', 'EXECUTED', 'DEPROVISIONED'],
    pass: ['DONE/NOT_APPLICABLE'],
    errored: ['FAILED', 'VALIDATION_FAILURE'],
  }),
  unknownStates: ['unheard-of', 'constructor', 'DONE/EXPLODED'],
  checks: [
    {
      connection: { ...none, token: 'a-token-by-hand' },
      requests: ['GET /test-runs'],
      change: ({ state }) => Object.assign(state, { tokens: ['a-token-by-hand'] }),
    },
  ],
  failedChecks: [
    { reason: 'AADSTS7000215', connection: { clientSecret: 'a-wrong-secret' }, kind: 'credentials' },
    { reason: 'The token is not valid', connection: { ...none, token: 'a-wrong-token' }, kind: 'credentials' },
    {
      reason: 'needs tenantId, clientId and clientSecret, or a token',
      connection: { clientId: undefined },
      kind: 'misconfigured',
    },
  ],
  unsupported: ['project', 'ref'],
  invalidStarts: [
    { name: 'a name', input: { target: 'Checkout Load' }, message: 'input.target must be the id of a test' },
    { name: 'another path', input: { target: '../tests' }, message: 'input.target must be the id of a test' },
  ],
  forbidden: [{ name: 'an unsafe environment variable', input: { parameters: unsafe }, message: '' }],
  refused: [
    { name: 'an unknown test', input: { target: 'nope' }, reason: "couldn't find with given identifier nope" },
    { name: 'a missing role', change: withState({ mayWrite: false }), reason: 'assign Load Test Contributor' },
  ],
  measures: {
    end: ({ finish }) => finish('DONE', 'PASSED', { testRunStatistics: { Total, Login: { sampleCount: 1 } } }),
    metrics: {
      mean: 213.5,
      p50: 190,
      min: 12,
      max: 2210,
      p90: 402,
      p95: 612,
      p99: 1100,
      duration: 60,
      requests: 1000,
      errors: 20,
      errorRate: 0.02,
      rps: 16.6,
    },
  },
  slowStop: { state: 'CANCELLING' },
  refusedStops: [
    { change: withState({ mayWrite: false }), reason: 'assign Load Test Contributor' },
    { id: 'nope', reason: 'identifier nope' },
  ],
  sends: [
    {
      name: 'parameters as environment variables, which are text',
      input: { parameters: { host: 'shop.example.com', users: 50 } },
      request: { body: { environmentVariables: { host: 'shop.example.com', users: '50' } } },
    },
    {
      name: 'an unsafe environment variable that the connection allows',
      input: { parameters: unsafe },
      request: { body: { environmentVariables: unsafe } },
      connection: { allowParameters: ['JAVA_TOOL_OPTIONS'] },
    },
  ],
  reports: [
    {
      name: 'why it could not run',
      change: ({ finish }) =>
        finish('FAILED', 'NOT_APPLICABLE', { errorDetails: [{ message: 'The JMX file is not valid.' }] }),
      reported: { message: `Test run ${id} ended as FAILED: The JMX file is not valid.` },
    },
    {
      name: 'the failed criteria with their value and limit',
      change: fail({
        passFailMetrics: {
          a: { ...slow, action: 'continue', result: 'failed', requestName: 'Log in' },
          b: { ...wrong, action: 'continue', result: 'passed' },
          c: { ...wrong, actualValue: 7, action: 'stop', result: 'failed' },
        },
      }),
      reported: {
        message: expect.stringContaining(
          'p95 of response_time_ms for Log in is 612 (fails at > 500); percentage of error is 7 (fails at > 1)',
        ),
        data: {
          failedCriteria: [
            { criterion: 'p95 of response_time_ms', request: 'Log in', value: 612, fails: '> 500' },
            { criterion: 'percentage of error', value: 7, fails: '> 1' },
          ],
        },
      },
    },
    {
      name: 'the failed criteria of server metrics with the resource',
      change: fail({
        passFailServerMetrics: {
          a: { ...cpu, actualValue: 93.5, result: 'failed' },
          b: { ...cpu, metricName: 'Memory', actualValue: 1, result: 'passed' },
        },
      }),
      reported: {
        message: expect.stringContaining(': Average of Percentage CPU for cart is 93.5 (fails at > 80)'),
        data: {
          failedCriteria: [{ criterion: 'Average of Percentage CPU', resource: 'cart', value: 93.5, fails: '> 80' }],
        },
      },
    },
  ],
  url: `https://portal.azure.com/#blade/testRunId/${id}`,
  stores: {
    read: ({ state }) => state.runs[0],
    expected: { testRunId: id, testId: checkout.target, displayName: `cloud-automation-webhooks ${id.slice(0, 8)}` },
  },
  invalidIds: { ids: ['no/pe', '../x'], message: 'input.id must be a test run id' },
})

test('Azure Load Testing: a start sends no second request if a retry finds the run', async () => {
  server.loseNext('PATCH')
  await failureOf(connected().start(checkout))
  await connected().start(checkout, { isRetry: true })
  expect(patches()).toHaveLength(1)
})
