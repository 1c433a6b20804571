import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Authorization, Http } from '../../../shared/http/client.ts'
import { oauthAuthorization } from '../../../shared/http/oauth.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus } from '../../../shared/providers/job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { metricsOf, times } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: url(
    'The data plane URI of the Azure Load Testing resource: https://<id>.<region>.cnt-prod.loadtesting.azure.com',
  ),
  tenantId: optional(word('The tenant of Microsoft Entra that the application is in')),
  clientId: optional(word('The application (client) id; it needs the role Load Test Contributor on the resource')),
  clientSecret: optional(secret('A client secret of the application')),
  loginUrl: z._default(
    url('Where Microsoft Entra is; https://login.microsoftonline.com where left out'),
    'https://login.microsoftonline.com',
  ),
  token: optional(secret('Instead of an application, an access token: it is valid for an hour or so')),
  target: optional(word('Default test, by its id')),
  allowParameters,
})
type Connection = z.output<typeof connection>

const number = z.nullish(z.number())
const criterion = z.object({
  clientMetric: z.nullish(z.string()),
  // The vendor's examples write it like this.
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
        ...{ sampleCount: number, errorCount: number, throughput: number },
        ...{ meanResTime: number, medianResTime: number, minResTime: number, maxResTime: number },
        ...{ pct1ResTime: number, pct2ResTime: number, pct3ResTime: number },
      }),
    ),
  ),
})
type TestRun = z.output<typeof testRun>

const version = { 'api-version': '2026-04-01' }
const scope = 'https://cnt-prod.loadtesting.azure.com/.default'
const mergePatch = { 'content-type': 'application/merge-patch+json' }
const mostCriteria = 10
const longestReason = 500

/**
 * Azure Load Testing: a run of a test. Its id is ours to choose: the key of the call.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/loadtesting/dataplane/load-test-run
 */
export const azureLoadTesting = defineJobProvider({
  title: 'Azure Load Testing',
  noun: 'test run',
  connection,
  authorization,
  check: ({ http }) => http.get('test-runs', { query: version }),
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

  checkStart({ target, project, ref }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalid(field, 'is of no use, since a test is known by its id: leave it out')
    if (!isId(target))
      throw invalid('target', 'is no test: write its id, of small letters, digits, - and _, and not its name')
  },

  async start({ http, idempotencyKey: key = crypto.randomUUID(), isRetry: repeated }, { target: testId, parameters }) {
    const path = `test-runs/${segment(key)}`
    // What is there is left alone: some of what a new one takes can not be changed.
    const earlier = repeated ? await http.get(path, { query: version, schema: testRun, accept: [404] }) : undefined
    if (earlier?.status === 200) return runOf(earlier.body)
    const body = JSON.stringify({
      testId,
      displayName: `cloud-automation-webhooks ${key.slice(0, 8)}`,
      ...(parameters ? { environmentVariables: toTextParameters(parameters) } : {}),
    })
    const { body: run } = await http.patch(path, body, { query: version, headers: mergePatch, schema: testRun })
    return runOf(run)
  },

  async getStatus({ http }, { id }) {
    const run = await read(http, id)
    const sight = { state: stateOf(run), run: runOf(run) }
    return ends.has(run.status) ? { ...sight, ...resultsOf(run) } : sight
  },

  parseRunId({ id }) {
    if (isId(id)) return { id }
    throw invalid('id', 'is no test run: write it like 12316678-1234-1234-1234-122451189012')
  },

  async stop({ http }, { id }) {
    try {
      await http.post(`test-runs/${segment(id)}:stop`, undefined, { query: version })
    } catch (error) {
      // It has ended in the meantime: the next look shows how.
      const refused = error instanceof Failure && error.kind === 'refused'
      if (refused && ends.has((await read(http, id)).status)) return
      throw error
    }
  },
})

const ends = new Set(['DONE', 'CANCELLED', 'FAILED', 'VALIDATION_FAILURE'])

/** An application of Microsoft Entra, whose tokens are fetched, else the token that the connection holds. */
function authorization(
  { token, tenantId, clientId, clientSecret, loginUrl }: Connection,
  ca: string | undefined,
): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (tenantId && clientId && clientSecret) {
    const tokenUrl = `${loginUrl.replace(/\/$/, '')}/${segment(tenantId)}/oauth2/v2.0/token`
    return oauthAuthorization({ tokenUrl, clientId, clientSecret, scope }, ca)
  }
  throw new Failure(
    'misconfigured',
    'The connection to Azure Load Testing needs tenantId, clientId and clientSecret, or a token.',
  )
}

async function read(http: Http, id: string): Promise<TestRun> {
  return (await http.get(`test-runs/${segment(id)}`, { query: version, schema: testRun })).body
}

function stateOf({ status, testResult }: TestRun): string {
  return status === 'DONE' && testResult ? `${status}/${testResult}` : status
}

function resultsOf(run: TestRun): Partial<RunStatus> {
  const metrics = numbersOf(run)
  const criteria = failedCriteriaOf(run)
  const words = [
    ...criteria.map(({ criterion, request, resource, value, fails }) => {
      const where = request ?? resource
      return `${criterion}${where ? ` for ${where}` : ''} is ${value} (fails at ${fails})`
    }),
    ...(run.errorDetails ?? []).map(({ message }) => message ?? ''),
  ].filter(Boolean)
  return {
    ...(words.length > 0 ? { reason: clipSingleLine(words.join('; '), longestReason) } : {}),
    data: { ...metrics, ...(criteria.length > 0 ? { failedCriteria: criteria.slice(0, mostCriteria) } : {}) },
    metrics,
  }
}

interface FailedCriterion {
  criterion: string
  request?: string
  /** The name of the Azure resource, for a metric of a server. */
  resource?: string
  value: number | null
  fails: string
}

function failedCriteriaOf({ passFailCriteria }: TestRun): FailedCriterion[] {
  const { passFailMetrics, passFailServerMetrics } = passFailCriteria ?? {}
  const ofClient = Object.values(passFailMetrics ?? {}).map((one) => ({
    ...one,
    criterion: [one.aggregate, one.clientMetric ?? one.clientmetric].filter(Boolean).join(' of '),
    where: one.requestName ? { request: one.requestName } : {},
  }))
  const ofServers = Object.values(passFailServerMetrics ?? {}).map((one) => ({
    ...one,
    criterion: [one.aggregation, one.metricName].filter(Boolean).join(' of '),
    where: one.resourceId ? { resource: one.resourceId.replace(/^.*\//, '') } : {},
  }))
  return [...ofClient, ...ofServers]
    .filter(({ result }) => result === 'failed')
    .map(({ criterion, where, condition, value, actualValue }) => ({
      criterion,
      ...where,
      value: actualValue ?? null,
      fails: `${condition ?? ''} ${value ?? ''}`.trim(),
    }))
}

/** Of all requests of the run together. */
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
    // Milliseconds there.
    duration: times(0.001, duration),
    users: virtualUsers,
  })
}

function runOf({ testRunId, portalUrl }: TestRun): Run {
  return { id: testRunId, ...(portalUrl ? { url: portalUrl } : {}) }
}

function isId(text: string): boolean {
  return /^[a-z0-9_-]{2,50}$/.test(text)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
