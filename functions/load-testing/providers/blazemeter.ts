import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, oneOf, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { metricsOf } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('Where BlazeMeter is; https://a.blazemeter.com where left out'), 'https://a.blazemeter.com'),
  username: name('The id of an API key'),
  password: secret('The secret of the API key'),
  target: optional(word('Default test: its id, or multi: and the id of a multi-test')),
  noVerdict: z._default(
    oneOf(['pass', 'warning', 'fail'], 'What a run is whose test has no failure criteria: passed, a warning or failed'),
    'warning',
  ),
})

const answered = <T>(result: z.ZodMiniType<T>) => z.object({ result })
const started = answered(z.object({ id: z.int() }))
const progressing = answered(
  z.object({
    status: z.nullish(z.string()),
    progress: z.int(),
    statuses: z.nullish(z.record(z.string(), z.unknown())),
  }),
)
const master = z.object({
  name: z.nullish(z.string()),
  reportStatus: z.nullish(z.string()),
  ended: z.nullish(z.union([z.number(), z.string()])),
  note: z.nullish(z.string()),
})
const oneMaster = answered(master)
const ciStatus = answered(
  z.object({
    failures: z.nullish(z.array(z.record(z.string(), z.unknown()))),
    errors: z.nullish(z.array(z.unknown())),
  }),
)
const number = z.nullish(z.number())
const summaries = answered(
  z.object({
    summary: z.nullish(
      z.array(
        z.object({
          ...{ avg: number, min: number, max: number, tp50: number, tp90: number, tp95: number, tp99: number },
          ...{ hits: number, failed: number, first: number, last: number, duration: number },
        }),
      ),
    ),
  }),
)

/** From here on a run has ended. */
const ended = 140
const mostFailures = 10
const longestReason = 500
/** A run without data has no report, and an archived one none any more. */
const notThere = [400, 403, 404, 409]

/**
 * BlazeMeter: a run, which it calls a master, of a performance test or of a multi-test.
 *
 * Nothing of a run can be named when it is started, so none can be looked up.
 *
 * @see https://help.blazemeter.com/apidocs/performance/
 * @see https://github.com/Blazemeter/blazemeter-api-client the vendor's own client
 */
export const blazemeter = defineJobProvider({
  title: 'BlazeMeter',
  noun: 'test run',
  connection,
  headers: ({ username, password }) => ({
    authorization: basicAuth(username, password),
  }),
  check: ({ http }) => http.get('api/v4/user'),
  errorStatus: statusOf,

  // Before its end a run has many words for how far it is; its progress tells whether it has ended.
  states: {
    'ENDED/pass': 'pass',
    'ENDED/fail': 'fail',
    'ENDED/abort': 'aborted',
    'ENDED/error': 'errored',
    'ENDED/noData': 'errored',
  },

  checkStart({ target, project, ref }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalid(field, 'is of no use, since a test is known by its id: leave it out')
    testPath(target)
  },

  async start({ http }, { target, parameters }) {
    const body = { isDebugRun: false, ...propertiesOf(parameters) }
    const { result } = (await http.post(`${testPath(target)}/start`, body, { schema: started })).body
    return runOf(http, result.id)
  },

  async getStatus({ http, connection }, { id }) {
    const path = masterPath(id)
    const query = { events: false }
    const { status, progress } = (await http.get(`${path}/status`, { query, schema: progressing })).body.result
    const run = runOf(http, id)
    if (progress < ended) return { state: status || `progress ${progress}`, verdict: 'running', run }
    const { reportStatus, ended: at } = (await http.get(path, { schema: oneMaster })).body.result
    // Its verdict may come a little later than its end.
    if (!reportStatus && !at) return { state: 'ENDED', verdict: 'running', run }
    const verdict = reportStatus || unset
    return {
      state: `ENDED/${verdict}`,
      ...(verdict === unset ? { verdict: connection.noVerdict, reason: 'its test has no failure criteria' } : {}),
      run,
      ...(await resultsOf(http, path)),
    }
  },

  parseRunId({ id }) {
    masterPath(id)
    return { id }
  },

  // Gently: what was measured is kept.
  async stop({ http }, { id }) {
    await http.post(`${masterPath(id)}/stop`)
  },
})

const unset = 'unset'

/** Errors come with 200 as well, as `{error: {code: 404, message: ..}, result: null}`. */
function statusOf(body: unknown): number | undefined {
  const { error } = (body ?? {}) as { error?: { code?: unknown } | null }
  if (!error) return undefined
  const code = Number(error.code)
  return Number.isInteger(code) && code >= 400 && code <= 599 ? code : 400
}

/** Properties of JMeter and Taurus, in the form of the vendor's plugins for CI servers. */
function propertiesOf(parameters: StartJob['parameters']) {
  if (!parameters) return {}
  const remoteControl = Object.entries(toTextParameters(parameters)).map(([key, value]) => ({ key, value }))
  return { data: { configuration: { plugins: { remoteControl } } } }
}

async function resultsOf(http: Http, path: string): Promise<Partial<RunStatus>> {
  const ci = await http.get(`${path}/ci-status`, { accept: notThere, schema: ciStatus })
  const { failures, errors } = notThere.includes(ci.status) ? {} : ci.body.result
  const metrics = await numbersOf(http, path)
  const told = [...(failures ?? []), ...(errors ?? [])].map(inWords).filter(Boolean)
  const failed = (failures ?? []).slice(0, mostFailures).map(scalarsOf)
  return {
    ...(told.length > 0 ? { reason: clipSingleLine(told.join('; '), longestReason) } : {}),
    data: { ...metrics, ...(failed.length > 0 ? { failedCriteria: failed } : {}) },
    metrics,
  }
}

/** Of all requests of the run together, which the report has first. */
async function numbersOf(http: Http, path: string): Promise<Record<string, number>> {
  const report = await http.get(`${path}/reports/default/summary`, { accept: notThere, schema: summaries })
  if (notThere.includes(report.status)) return {}
  const all = report.body.result.summary?.[0]
  if (!all?.hits) return {}
  const { avg: mean, min, max, tp50: p50, tp90: p90, tp95: p95, tp99: p99, hits: requests, failed: errors } = all
  const duration = all.duration ?? (all.first != null && all.last != null ? all.last - all.first : undefined)
  const rps = duration ? requests / duration : undefined
  return metricsOf({ mean, min, max, p50, p90, p95, p99, requests, errors, rps, duration })
}

/** Which fields a failed criterion has is not documented: its message, else all that it says. */
function inWords(failure: unknown): string {
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

function runOf(http: Http, id: string | number): Run {
  return { id: String(id), url: `${http.baseUrl}/app/#/masters/${segment(id)}` }
}

function testPath(target: string): string {
  const [, multi, id] = /^(multi:)?(\d{1,15})$/.exec(target) ?? []
  if (id) return `api/v4/${multi ? 'multi-tests' : 'tests'}/${segment(id)}`
  throw invalid('target', 'is no test: write its id like 9876543, or multi:9876543 for a multi-test')
}

function masterPath(id: string): string {
  if (/^\d{1,15}$/.test(id)) return `api/v4/masters/${segment(id)}`
  throw invalid('id', 'is no test run: write it like 74512345')
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
