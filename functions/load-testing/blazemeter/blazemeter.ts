import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { name, oneOf, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { RunStatus, StartJob } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { metricsOf, scale } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of BlazeMeter. Defaults to https://a.blazemeter.com'), 'https://a.blazemeter.com'),
  username: name('Id of an API key'),
  password: secret('Secret of the API key'),
  target: optional(word('Default test: its id, or multi: and the id of a multi-test')),
  noVerdict: z._default(
    oneOf(['pass', 'warning', 'fail'], 'Verdict of a run whose test has no failure criteria'),
    'warning',
  ),
})

const envelope = <T>(result: z.ZodMiniType<T>) => z.object({ result })
const started = envelope(z.object({ id: z.int() }))
const masterStatus = envelope(
  z.object({
    status: z.nullish(z.string()),
    progress: z.int(),
    statuses: z.nullish(z.record(z.string(), z.unknown())),
  }),
)
const master = z.object({
  name: z.nullish(z.string()),
  reportStatus: z.nullish(z.string()),
  created: z.nullish(z.union([z.number(), z.string()])),
  ended: z.nullish(z.union([z.number(), z.string()])),
  note: z.nullish(z.string()),
})
const oneMaster = envelope(master)
const ciStatus = envelope(
  z.object({
    failures: z.nullish(z.array(z.record(z.string(), z.unknown()))),
    errors: z.nullish(z.array(z.unknown())),
  }),
)
const number = z.nullish(z.number())
const summaries = envelope(
  z.object({
    summary: z.nullish(
      z.array(
        z.object({
          avg: number,
          min: number,
          max: number,
          tp50: number,
          tp90: number,
          tp95: number,
          tp99: number,
          hits: number,
          failed: number,
          first: number,
          last: number,
          duration: number,
        }),
      ),
    ),
  }),
)

/** A run with this progress or more has ended. */
const ENDED_PROGRESS = 140
const MAX_FAILURES = 10
/** A run without data has no report, and neither does an archived run. */
const NO_REPORT = [400, 403, 404, 409]

/**
 * BlazeMeter: runs a performance test or a multi-test. BlazeMeter calls a run a master.
 *
 * A start takes no value that could identify the run later, so there is no `find`.
 *
 * @see https://help.blazemeter.com/apidocs/performance/
 * @see https://github.com/Blazemeter/blazemeter-api-client BlazeMeter's own client
 */
export const blazemeter = defineJob({
  title: 'BlazeMeter',
  noun: 'test run',
  connection,
  headers: ({ username, password }) => ({ authorization: basicAuth(username, password) }),
  check: ({ http }) => http.get('api/v4/user'),
  errorStatus: statusOf,

  // A running run has many statuses. Its progress shows whether it has ended.
  states: {
    'ENDED/pass': 'pass',
    'ENDED/fail': 'fail',
    'ENDED/abort': 'aborted',
    'ENDED/error': 'errored',
    'ENDED/noData': 'errored',
  },

  runId: { pattern: /^\d{1,15}$/, description: 'a test run id such as 74512345' },
  identify: ({ id }: { id: string | number }, { http }) => ({
    id: String(id),
    url: `${http.baseUrl}/app/#/masters/${segment(id)}`,
  }),

  checkStart({ target, project, ref }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalidInput(`input.${field}`, 'is not supported: a test is identified by its id')
    testPath(target)
  },

  async start({ http }, { target, parameters }) {
    const body = { isDebugRun: false, ...propertiesOf(parameters) }
    return (await http.post(`${testPath(target)}/start`, body, { schema: started })).body.result
  },

  async getStatus({ http, connection }, { id }) {
    const path = masterPath(id)
    const run = { id }
    const query = { events: false }
    const { status, progress } = (await http.get(`${path}/status`, { query, schema: masterStatus })).body.result
    if (progress < ENDED_PROGRESS) return { state: status || `progress ${progress}`, verdict: 'running', run }
    const { reportStatus, created, ended } = (await http.get(path, { schema: oneMaster })).body.result
    // The verdict can arrive a little later than the end.
    if (!reportStatus && !ended) return { state: 'ENDED', verdict: 'running', run }
    const verdict = reportStatus || UNSET
    return {
      state: `ENDED/${verdict}`,
      ...(verdict === UNSET ? { verdict: connection.noVerdict, reasons: ['its test has no failure criteria'] } : {}),
      run,
      // A run without requests has only these times.
      period: { start: scale(1_000, created), end: scale(1_000, ended) },
      results: () => resultsOf(http, path),
    }
  },

  // A graceful stop: the results so far are saved.
  async stop({ http }, { id }) {
    await http.post(`${masterPath(id)}/stop`)
  },
})

const UNSET = 'unset'

/** Errors can also arrive with 200, as `{error: {code: 404, message: ..}, result: null}`. */
function statusOf(body: unknown): number | undefined {
  const { error } = (body ?? {}) as { error?: { code?: unknown } | null }
  if (!error) return undefined
  const code = Number(error.code)
  return Number.isInteger(code) && code >= 400 && code <= 599 ? code : 400
}

/** Returns properties of JMeter and Taurus, in the structure that BlazeMeter's CI plugins send. */
function propertiesOf(parameters: StartJob['parameters']) {
  if (!parameters) return {}
  const remoteControl = Object.entries(toTextParameters(parameters)).map(([key, value]) => ({ key, value }))
  return { data: { configuration: { plugins: { remoteControl } } } }
}

async function resultsOf(http: Http, path: string): Promise<RunResults> {
  const ci = await http.get(`${path}/ci-status`, { accept: NO_REPORT, schema: ciStatus })
  const { failures, errors } = NO_REPORT.includes(ci.status) ? {} : ci.body.result
  const { metrics, period } = await measure(http, path)
  const reasons = [...(failures ?? []), ...(errors ?? [])].map(describeFailure).filter(Boolean)
  const failed = (failures ?? []).slice(0, MAX_FAILURES).map(scalarsOf)
  return {
    ...(reasons.length > 0 ? { reasons } : {}),
    data: { ...metrics, ...(failed.length > 0 ? { failedCriteria: failed } : {}) },
    metrics,
    ...(period ? { period } : {}),
  }
}

/** Returns the numbers of all requests of the run, which the report lists first, and the times of the first and the last one. */
async function measure(http: Http, path: string): Promise<Pick<RunStatus, 'metrics' | 'period'>> {
  const report = await http.get(`${path}/reports/default/summary`, { accept: NO_REPORT, schema: summaries })
  if (NO_REPORT.includes(report.status)) return {}
  const all = report.body.result.summary?.[0]
  if (!all?.hits) return {}
  const { avg: mean, min, max, tp50: p50, tp90: p90, tp95: p95, tp99: p99, hits: requests, failed: errors } = all
  // BlazeMeter reports epoch seconds.
  const [start, end] = [scale(1_000, all.first), scale(1_000, all.last)]
  const duration = all.duration ?? (start !== undefined && end !== undefined ? (end - start) / 1_000 : undefined)
  const rps = duration ? requests / duration : undefined
  return {
    metrics: metricsOf({ mean, min, max, p50, p90, p95, p99, requests, errors, rps, duration: all.duration }),
    ...(start !== undefined && end !== undefined ? { period: { start, end } } : {}),
  }
}

/** The fields of a failed criterion are not documented: returns its message, or else all of its fields. */
function describeFailure(failure: unknown): string {
  return (
    errorReasonIn(failure) ||
    Object.entries(scalarsOf(failure))
      .map(([field, value]) => `${field} ${value}`)
      .join(', ')
  )
}

function scalarsOf(failure: unknown): Record<string, unknown> {
  const fields = Object.entries((failure ?? {}) as Record<string, unknown>)
  return Object.fromEntries(fields.filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)))
}

function testPath(target: string): string {
  const [, multi, id] = /^(multi:)?(\d{1,15})$/.exec(target) ?? []
  if (id) return `api/v4/${multi ? 'multi-tests' : 'tests'}/${segment(id)}`
  throw invalidInput('input.target', 'must be a test id such as 9876543, or multi:9876543 for a multi-test')
}

function masterPath(id: string): string {
  return `api/v4/masters/${segment(id)}`
}
