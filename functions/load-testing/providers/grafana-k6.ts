import * as z from 'zod/mini'
import { Failure, messageOf, toSentence } from '../../../shared/errors.ts'
import { id, optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  type Verdict,
} from '../../../shared/providers/job.ts'
import { metricsOf } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: z._default(url("Where the API is; Grafana's own where left out"), 'https://api.k6.io'),
  token: secret('A Grafana stack API token of k6, or a personal one, that may run tests of the project'),
  stackId: id('The number of the Grafana stack: Testing & synthetics, Performance, Settings'),
  target: optional(word('Default load test: its number')),
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
/** A point is a time and a value. */
const points = z.array(z.tuple([z.unknown(), z.nullish(z.union([z.number(), z.string()]))]))
const samples = z.object({ data: z.object({ result: z.nullish(z.array(z.object({ values: points }))) }) })

/** The characters that a key may have there. */
const longestKey = 36
/** For so long two starts with one key are one run, less a minute for what is under way; in milliseconds. */
const keyValid = 9 * 60_000
/** How far back a run of ours is looked for: as long as a repeat is known as one. In milliseconds. */
const remembered = 25 * 3_600_000
const listedAtOnce = 100

/**
 * Grafana Cloud k6 (API v6, metrics of v5): a run of a load test.
 *
 * A start carries its key as that of the platform, which holds for ten minutes, and as the note of the run, by which it is
 * found later.
 *
 * @see https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/
 */
export const grafanaK6 = defineJobProvider({
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
    // The verdict may come a little later than the end.
    completed: 'running',
    'completed/passed': 'pass',
    'completed/failed': 'fail',
    'completed/error': 'errored',
    aborted: 'aborted',
    'aborted/passed': 'aborted',
    // By a threshold that ends the test when it is missed.
    'aborted/failed': 'fail',
    'aborted/error': 'errored',
  },

  checkStart({ target, project, ref, parameters = {} }) {
    if (!isNumber(target)) throw invalid('target', 'is no load test: write its number, like 1234')
    for (const [field, value] of Object.entries({ project, ref, parameters: Object.keys(parameters)[0] }))
      if (value !== undefined)
        throw invalid(field, 'is of no use, since a start takes nothing but the test: leave it out')
  },

  async find({ http, idempotencyKey: key, isRetry: repeated }, { target }) {
    const query = {
      $orderby: 'created desc',
      $top: listedAtOnce,
      created_after: new Date(Date.now() - remembered).toISOString(),
    }
    const { value: runs } = (await http.get(`${testPath(target)}/test_runs`, { query, schema: testRuns })).body
    const found = runs.find(({ note }) => note?.includes(key))
    if (found) return runOf(found)
    // An earlier try may have started a run and not have come to its note, and its key may be over.
    const isInDoubt = ({ note, created }: TestRun) =>
      !note?.includes(mark) && Date.now() - Date.parse(created) > keyValid
    return repeated && runs.some(isInDoubt) ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey: key }, { target }) {
    const headers: Record<string, string> = key ? { 'k6-idempotency-key': key.slice(0, longestKey) } : {}
    const run = (await http.post(`${testPath(target)}/start`, undefined, { headers, schema: testRun })).body
    if (key) await noteKey(http, run, key)
    return runOf(run)
  },

  async getStatus({ http }, { id }) {
    const { body } = await http.get(runPath(id), { schema: testRun })
    const { status, result } = body
    const state = [status, result].filter(Boolean).join('/')
    const seen = { state, progress: stepOf(body), ...verdictOf(state, body) }
    const over = status === 'aborted' || (status === 'completed' && result)
    return over ? { ...seen, ...(await resultsOf(http, body)) } : seen
  },

  parseRunId({ id }) {
    if (isNumber(id)) return { id }
    throw invalid('id', 'is no test run: write its number, like 5678')
  },

  async stop({ http }, { id }) {
    try {
      await http.post(`${runPath(id)}/abort`)
    } catch (error) {
      // 409 for one that does not run: it may have come to its end in the meantime, or not have begun.
      const refused = error instanceof Failure && error.kind === 'refused'
      if (refused && (await http.get(runPath(id), { schema: testRun })).body.ended) return
      throw error
    }
  },
})

/** What stands before a key in a note. */
const mark = 'cloud-automation-webhooks'

/**
 * So that it is found when its key is over, and people see where it comes from. A run without its note has been started all
 * the same.
 */
async function noteKey(http: Http, run: TestRun, key: string): Promise<void> {
  try {
    await http.patch(runPath(run.id), { note: [run.note, `${mark} ${key}`].filter(Boolean).join('\n') })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
}

/** An end by a person is none by a fault, whatever the result says. */
function verdictOf(state: string, { status_details: { extra } }: TestRun): { verdict?: Verdict } {
  return state === 'aborted/error' && extra?.code == null ? { verdict: 'aborted' } : {}
}

function stepOf({ status, status_history: history, estimated_duration: estimated, max_vus: users }: TestRun) {
  const began = history.find(({ type }) => type === 'running')
  if (status !== 'running' || !began) return status
  const since = Math.max(0, Math.round((Date.now() - Date.parse(began.entered)) / 1_000))
  return `running for ${since} s${estimated ? ` of about ${estimated} s` : ''}${users ? `, up to ${users} users` : ''}`
}

/** What is asked of the metrics of a run, by our names for it: a metric of k6, and a method of its type. */
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

async function resultsOf(http: Http, run: TestRun): Promise<Partial<RunStatus>> {
  const { measured, missing } = await measuredBy(http, run)
  const period = periodOf(run)
  const metrics = metricsOf({ ...measured, duration: secondsOf(period) })
  const hours = run.cost?.total_vuh
  return {
    metrics,
    period,
    data: { ...metrics, ...(hours === undefined ? {} : { virtualUserHours: Number(hours) }) },
    reason: [...saidOf(run), missing].filter(Boolean).join('; ') || undefined,
  }
}

/** What the result says, and then what the status says beside that. */
function saidOf({ result_details: result, status_details: { extra } }: TestRun) {
  const { by_user: user, message, code } = extra ?? {}
  return [
    result?.message,
    message === result?.message ? undefined : message,
    code == null ? undefined : `code ${code}`,
    user ? `by ${user}` : undefined,
  ]
}

/** A test without HTTP has no such metrics, and the verdict stands without them. */
async function measuredBy(http: Http, { id }: TestRun): Promise<{ measured: Measured; missing?: string }> {
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

/** From the first request to the last. */
function periodOf({ status_history: history, ended }: TestRun) {
  const enteredAt = (status: string) => history.find(({ type }) => type === status)?.entered
  return { start: enteredAt('running'), end: enteredAt('processing_metrics') ?? ended }
}

function secondsOf({ start, end }: ReturnType<typeof periodOf>): number | undefined {
  return start && end ? Math.round((Date.parse(end) - Date.parse(start)) / 1_000) : undefined
}

/** The page of a run is told when it starts, and not later. */
function runOf({ id, test_run_details_page_url: url }: Pick<TestRun, 'id' | 'test_run_details_page_url'>): Run {
  return { id: String(id), ...(url ? { url } : {}) }
}

function testPath(target: StartJob['target']): string {
  return `cloud/v6/load_tests/${segment(target)}`
}

function runPath(id: string | number): string {
  return `cloud/v6/test_runs/${segment(id)}`
}

function isNumber(text: string): boolean {
  return /^\d{1,18}$/.test(text)
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', toSentence(`${path} ${message}`), { errors: [{ path, message }] })
}
