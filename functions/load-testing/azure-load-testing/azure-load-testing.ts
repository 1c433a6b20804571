import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { azureAuthorization, azureConnection } from '../../../shared/vendors/azure.ts'
import { metricsOf, scale } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: url(
    'Data plane URI of the Azure Load Testing resource: https://<id>.<region>.cnt-prod.loadtesting.azure.com',
  ),
  ...azureConnection('the role Load Test Contributor on the resource'),
  target: optional(word('Default test, by id')),
  allowParameters,
})

const number = z.nullish(z.number())
const criterion = z.object({
  clientMetric: z.nullish(z.string()),
  // The spelling in Azure's examples.
  clientmetric: z.nullish(z.string()),
  aggregate: z.nullish(z.string()),
  condition: z.nullish(z.string()),
  requestName: z.nullish(z.string()),
  value: number,
  actualValue: number,
  result: z.nullish(z.string()),
})
const serverCriterion = z.object({
  resourceId: z.nullish(z.string()),
  metricName: z.nullish(z.string()),
  aggregation: z.nullish(z.string()),
  condition: z.nullish(z.string()),
  value: number,
  actualValue: number,
  result: z.nullish(z.string()),
})
const testRun = z.object({
  testRunId: z.string(),
  status: z.string(),
  testResult: z.nullish(z.string()),
  portalUrl: z.nullish(z.string()),
  startDateTime: z.nullish(z.string()),
  endDateTime: z.nullish(z.string()),
  duration: number,
  virtualUsers: number,
  errorDetails: z.nullish(z.array(z.object({ message: z.nullish(z.string()) }))),
  passFailCriteria: z.nullish(
    z.object({
      passFailMetrics: z.nullish(z.record(z.string(), criterion)),
      passFailServerMetrics: z.nullish(z.record(z.string(), serverCriterion)),
    }),
  ),
  testRunStatistics: z.nullish(
    z.record(
      z.string(),
      z.object({
        sampleCount: number,
        errorCount: number,
        throughput: number,
        meanResTime: number,
        medianResTime: number,
        minResTime: number,
        maxResTime: number,
        pct1ResTime: number,
        pct2ResTime: number,
        pct3ResTime: number,
      }),
    ),
  ),
})
type TestRun = z.output<typeof testRun>

const VERSION = { 'api-version': '2026-04-01' }
const SCOPE = 'https://cnt-prod.loadtesting.azure.com/.default'
const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' }
const MAX_CRITERIA = 10
const ID = /^[a-z0-9_-]{2,50}$/

/**
 * Azure Load Testing: runs a test. The caller chooses the id of a run, so the idempotency key is the id.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/loadtesting/dataplane/load-test-run
 */
export const azureLoadTesting = defineJob({
  title: 'Azure Load Testing',
  noun: 'test run',
  connection,
  authorization: (connection, ca) => azureAuthorization(connection, { scope: SCOPE, title: 'Azure Load Testing', ca }),
  check: ({ http }) => http.get('test-runs', { query: VERSION }),
  hasIdempotentStart: true as const,

  states: {
    ACCEPTED: 'running',
    NOTSTARTED: 'running',
    VALIDATION_SUCCESS: 'running',
    PROVISIONING: 'running',
    PROVISIONED: 'running',
    CONFIGURING: 'running',
    CONFIGURED: 'running',
    EXECUTING: 'running',
    EXECUTED: 'running',
    DEPROVISIONING: 'running',
    DEPROVISIONED: 'running',
    CANCELLING: 'running',
    'DONE/PASSED': 'pass',
    'DONE/NOT_APPLICABLE': 'pass',
    'DONE/FAILED': 'fail',
    CANCELLED: 'aborted',
    FAILED: 'errored',
    VALIDATION_FAILURE: 'errored',
  },

  variables: { reserved: [] },
  runId: { pattern: ID, description: 'a test run id such as 12316678-1234-1234-1234-122451189012' },
  identify: ({ testRunId: id, portalUrl: url }: TestRun) => ({ id, ...(url ? { url } : {}) }),

  checkStart({ target, project, ref }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalidInput(`input.${field}`, 'is not supported: a test is identified by its id')
    if (!ID.test(target))
      throw invalidInput(
        'input.target',
        'must be the id of a test, not its name: lowercase letters, digits, hyphens and underscores',
      )
  },

  async start({ http, idempotencyKey = crypto.randomUUID(), isRetry }, { target: testId, parameters }) {
    const path = `test-runs/${segment(idempotencyKey)}`
    // An existing run cannot be updated: some of its fields are read-only.
    const earlier = isRetry ? await http.get(path, { query: VERSION, schema: testRun, accept: [404] }) : undefined
    if (earlier?.status === 200) return earlier.body
    const body = JSON.stringify({
      testId,
      displayName: `cloud-automation-webhooks ${idempotencyKey.slice(0, 8)}`,
      ...(parameters ? { environmentVariables: toTextParameters(parameters) } : {}),
    })
    return (await http.patch(path, body, { query: VERSION, headers: MERGE_PATCH, schema: testRun })).body
  },

  async getStatus({ http }, { id }) {
    const run = (await http.get(`test-runs/${segment(id)}`, { query: VERSION, schema: testRun })).body
    return { state: stateOf(run), run, results: () => resultsOf(run) }
  },

  async stop({ http }, { id }) {
    await http.post(`test-runs/${segment(id)}:stop`, undefined, { query: VERSION })
  },
})

function stateOf({ status, testResult }: TestRun): string {
  return status === 'DONE' && testResult ? `${status}/${testResult}` : status
}

function resultsOf(run: TestRun): RunResults {
  const metrics = numbersOf(run)
  const criteria = failedCriteriaOf(run)
  const reasons = [
    ...criteria.map(({ criterion, request, resource, value, fails }) => {
      const scope = request ?? resource
      return `${criterion}${scope ? ` for ${scope}` : ''} is ${value} (fails at ${fails})`
    }),
    ...(run.errorDetails ?? []).map(({ message }) => message),
  ]
  return {
    reasons,
    data: { ...metrics, ...(criteria.length > 0 ? { failedCriteria: criteria.slice(0, MAX_CRITERIA) } : {}) },
    metrics,
    period: { start: run.startDateTime, end: run.endDateTime },
  }
}

interface FailedCriterion {
  criterion: string
  request?: string
  /** Name of the Azure resource, for a server metric. */
  resource?: string
  value: number | null
  fails: string
}

function failedCriteriaOf({ passFailCriteria }: TestRun): FailedCriterion[] {
  const { passFailMetrics, passFailServerMetrics } = passFailCriteria ?? {}
  const clientCriteria = Object.values(passFailMetrics ?? {}).map((criterion) => ({
    ...criterion,
    criterion: [criterion.aggregate, criterion.clientMetric ?? criterion.clientmetric].filter(Boolean).join(' of '),
    scope: criterion.requestName ? { request: criterion.requestName } : {},
  }))
  const serverCriteria = Object.values(passFailServerMetrics ?? {}).map((criterion) => ({
    ...criterion,
    criterion: [criterion.aggregation, criterion.metricName].filter(Boolean).join(' of '),
    scope: criterion.resourceId ? { resource: criterion.resourceId.replace(/^.*\//, '') } : {},
  }))
  return [...clientCriteria, ...serverCriteria]
    .filter(({ result }) => result === 'failed')
    .map(({ criterion, scope, condition, value, actualValue }) => ({
      criterion,
      ...scope,
      value: actualValue ?? null,
      fails: `${condition ?? ''} ${value ?? ''}`.trim(),
    }))
}

/** Returns the numbers of all requests of the run. */
function numbersOf({ testRunStatistics, duration, virtualUsers }: TestRun): Record<string, number> {
  const all = testRunStatistics?.['Total']
  return metricsOf({
    mean: all?.meanResTime,
    min: all?.minResTime,
    max: all?.maxResTime,
    p50: all?.medianResTime,
    p90: all?.pct1ResTime,
    p95: all?.pct2ResTime,
    p99: all?.pct3ResTime,
    requests: all?.sampleCount,
    errors: all?.errorCount,
    rps: all?.throughput,
    // Azure reports milliseconds.
    duration: scale(0.001, duration),
    users: virtualUsers,
  })
}
