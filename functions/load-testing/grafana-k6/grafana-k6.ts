import * as z from 'zod/mini'
import { Failure, invalidInput, messageOf } from '../../../shared/errors.ts'
import { id, optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { StartJob, Verdict } from '../../../shared/providers/job.ts'
import { searchSince } from '../../../shared/providers/search-window.ts'
import { metricsOf } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: z._default(url("URL of the API. Defaults to Grafana Cloud's API"), 'https://api.k6.io'),
  token: secret('Grafana stack API token of k6, or a personal one, that may run tests of the project'),
  stackId: id('Number of the Grafana stack: Testing & synthetics, Performance, Settings'),
  target: optional(word('Default load test, by number')),
})

const status = z.object({
  type: z.string(),
  entered: z.string(),
  extra: z.nullish(
    z.object({ by_user: z.nullish(z.string()), message: z.nullish(z.string()), code: z.nullish(z.number()) }),
  ),
})
const testRun = z.object({
  id: z.int(),
  created: z.string(),
  ended: z.nullish(z.string()),
  note: z.nullish(z.string()),
  status: z.string(),
  status_details: status,
  status_history: z.array(status),
  result: z.nullish(z.string()),
  result_details: z.nullish(z.object({ message: z.nullish(z.string()) })),
  estimated_duration: z.nullish(z.number()),
  max_vus: z.nullish(z.number()),
  cost: z.nullish(z.object({ total_vuh: z.union([z.number(), z.string()]) })),
  test_run_details_page_url: z.nullish(z.string()),
})
type TestRun = z.output<typeof testRun>
const testRuns = z.object({ value: z.array(testRun) })
/** A point is a pair of a time and a value. */
const points = z.array(z.tuple([z.unknown(), z.nullish(z.union([z.number(), z.string()]))]))
const samples = z.object({ data: z.object({ result: z.nullish(z.array(z.object({ values: points }))) }) })

/** k6 limits the length of an idempotency key. */
const MAX_KEY_LENGTH = 36
/** k6 deduplicates starts for ten minutes, minus a minute for requests in flight. */
const KEY_LIFETIME_MS = 9 * 60_000
const PAGE_SIZE = 100
const NUMBER = /^\d{1,18}$/

/**
 * Grafana Cloud k6 (API v6, metrics of v5): runs a load test.
 *
 * A start carries the idempotency key as k6's own, which expires after ten minutes, and in the note of the run, so that it can
 * be found later.
 *
 * @see https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/
 */
export const grafanaK6 = defineJob({
  title: 'Grafana Cloud k6',
  noun: 'test run',
  connection,
  headers: ({ token, stackId }) => ({ authorization: `Bearer ${token}`, 'x-stack-id': stackId }),
  check: ({ http }) => http.get('cloud/v6/load_tests', { query: { $top: 1 } }),

  states: {
    created: 'running',
    queued: 'running',
    initializing: 'running',
    running: 'running',
    processing_metrics: 'running',
    // The verdict can arrive a little later than the end.
    completed: 'running',
    'completed/passed': 'pass',
    'completed/failed': 'fail',
    'completed/error': 'errored',
    aborted: 'aborted',
    'aborted/passed': 'aborted',
    // By a threshold with abortOnFail.
    'aborted/failed': 'fail',
    'aborted/error': 'errored',
  },

  runId: { pattern: NUMBER, description: 'the number of a test run, such as 5678' },
  // k6 returns the page of a run only when the run starts.
  identify: ({ id, test_run_details_page_url: url }: TestRun) => ({ id: String(id), ...(url ? { url } : {}) }),

  checkStart({ target, project, ref, parameters = {} }) {
    if (!NUMBER.test(target)) throw invalidInput('input.target', 'must be the number of a load test, such as 1234')
    for (const [field, value] of Object.entries({ project, ref, parameters: Object.keys(parameters)[0] }))
      if (value !== undefined)
        throw invalidInput(`input.${field}`, 'is not supported: a start accepts only the load test')
  },

  lookUp: { newest: PAGE_SIZE, keyLasts: '10 minutes' },

  async find({ http, idempotencyKey, isRetry }, { target }) {
    const query = { $orderby: 'created desc', $top: PAGE_SIZE, created_after: searchSince(isRetry).toISOString() }
    const { value: runs } = (await http.get(`${testPath(target)}/test_runs`, { query, schema: testRuns })).body
    const found = runs.find(({ note }) => note?.includes(idempotencyKey))
    if (found) return found
    // An earlier attempt may have started a run without saving its note, and the key may have expired.
    const isUnclear = ({ note, created }: TestRun) =>
      !note?.includes(MARKER) && Date.now() - Date.parse(created) > KEY_LIFETIME_MS
    return isRetry && (runs.length >= PAGE_SIZE || runs.some(isUnclear)) ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey }, { target }) {
    const headers: Record<string, string> = idempotencyKey
      ? { 'k6-idempotency-key': idempotencyKey.slice(0, MAX_KEY_LENGTH) }
      : {}
    const run = (await http.post(`${testPath(target)}/start`, undefined, { headers, schema: testRun })).body
    if (idempotencyKey) await saveKey(http, run, idempotencyKey)
    return run
  },

  async getStatus({ http }, { id }) {
    const { body } = await http.get(runPath(id), { schema: testRun })
    const { status, result } = body
    const state = [status, result].filter(Boolean).join('/')
    return { state, progress: describeProgress(body), ...verdictOf(state, body), results: () => resultsOf(http, body) }
  },

  async stop({ http }, { id }) {
    await http.post(`${runPath(id)}/abort`)
  },
})

/** Precedes the idempotency key in a note. */
const MARKER = 'cloud-automation-webhooks'

/**
 * Saves the key in the note of the run, for people and for retries after the key has expired. Ignores failures: the run has
 * started even without its note.
 */
async function saveKey(http: Http, run: TestRun, key: string): Promise<void> {
  try {
    await http.patch(runPath(run.id), { note: [run.note, `${MARKER} ${key}`].filter(Boolean).join('\n') })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
}

/** A run that a person aborted is not faulty, even if its result is `error`. */
function verdictOf(state: string, { status_details: { extra } }: TestRun): { verdict?: Verdict } {
  return state === 'aborted/error' && extra?.code == null ? { verdict: 'aborted' } : {}
}

function describeProgress({ status, status_history: history, estimated_duration: estimated, max_vus: users }: TestRun) {
  const started = history.find(({ type }) => type === 'running')
  if (status !== 'running' || !started) return status
  const elapsed = Math.max(0, Math.round((Date.now() - Date.parse(started.entered)) / 1_000))
  return `running for ${elapsed} s${estimated ? ` of about ${estimated} s` : ''}${users ? `, up to ${users} users` : ''}`
}

/** Metrics queries by the common name of their result: a k6 metric, and a method for its type. */
const queries = {
  requests: ['http_reqs', 'increase'],
  rps: ['http_reqs', 'rate'],
  errorRate: ['http_req_failed', 'ratio'],
  mean: ['http_req_duration', 'histogram_avg'],
  max: ['http_req_duration', 'histogram_max'],
  p50: ['http_req_duration', 'histogram_quantile(0.5)'],
  p90: ['http_req_duration', 'histogram_quantile(0.9)'],
  p95: ['http_req_duration', 'histogram_quantile(0.95)'],
  p99: ['http_req_duration', 'histogram_quantile(0.99)'],
} satisfies Record<string, [metric: string, method: string]>
type Measured = Partial<Record<keyof typeof queries, number | string | null | undefined>>

async function resultsOf(http: Http, run: TestRun): Promise<RunResults> {
  const { measured, missing } = await measure(http, run)
  const metrics = metricsOf(measured)
  const hours = run.cost?.total_vuh
  return {
    metrics,
    period: periodOf(run),
    data: { ...metrics, ...(hours === undefined ? {} : { virtualUserHours: Number(hours) }) },
    reason: [...reasonsOf(run), missing].filter(Boolean).join('; ') || undefined,
  }
}

/** Returns the message of the result, and what only the details of the status say. */
function reasonsOf({ result_details: result, status_details: { extra } }: TestRun) {
  const { by_user: user, message, code } = extra ?? {}
  return [
    result?.message,
    message === result?.message ? undefined : message,
    code == null ? undefined : `code ${code}`,
    user ? `by ${user}` : undefined,
  ]
}

/** A test without HTTP requests does not have these metrics. The verdict does not depend on them. */
async function measure(http: Http, { id }: TestRun): Promise<{ measured: Measured; missing?: string }> {
  const measured: Measured = {}
  try {
    for (const [name, [metric, method]] of Object.entries(queries)) {
      const path = `cloud/v5/test_runs/${segment(id)}/query_aggregate_k6(query='${method}',metric='${metric}')`
      const { data } = (await http.get(path, { schema: samples })).body
      measured[name as keyof typeof queries] = data.result?.[0]?.values[0]?.[1]
    }
    return { measured }
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused') throw error
    return { measured, missing: `its metrics could not be read (${messageOf(error)})` }
  }
}

/** Returns the times of the first and the last request. */
function periodOf({ status_history: history, ended }: TestRun) {
  const enteredAt = (status: string) => history.find(({ type }) => type === status)?.entered
  return { start: enteredAt('running'), end: enteredAt('processing_metrics') ?? ended }
}

function testPath(target: StartJob['target']): string {
  return `cloud/v6/load_tests/${segment(target)}`
}

function runPath(id: string | number): string {
  return `cloud/v6/test_runs/${segment(id)}`
}
