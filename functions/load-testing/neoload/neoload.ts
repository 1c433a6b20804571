import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type IdentifiedRun, type RunResults } from '../../../shared/providers/define-job.ts'
import type { Run, StartJob } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { metricsOf, scale } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('URL of the NeoLoad Web API. Defaults to https://neoload-api.saas.neotys.com'),
    'https://neoload-api.saas.neotys.com',
  ),
  token: secret('Account token of NeoLoad Web'),
  webUrl: z._default(
    url('URL of the NeoLoad web app. Defaults to https://neoload.saas.neotys.com'),
    'https://neoload.saas.neotys.com',
  ),
  project: optional(word('Default workspace, by id')),
  target: optional(word('Default test, by id')),
})

const started = z.object({ resultId: z.string() })
const result = z.object({
  status: z.string(),
  terminationReason: z.nullish(z.string()),
  qualityStatus: z.nullish(z.string()),
  startDate: z.nullish(z.number()),
  endDate: z.nullish(z.number()),
})
type Result = z.output<typeof result>
const resultList = z.array(z.object({ id: z.string(), name: z.nullish(z.string()) }))
const number = z.nullish(z.number())
const statistics = z.object({
  totalRequestCountSuccess: number,
  totalRequestCountFailure: number,
  totalRequestDurationAverage: number,
  totalRequestCountPerSecond: number,
})
const slas = z.array(
  z.object({
    kpi: z.string(),
    value: number,
    failedThreshold: z.nullish(z.object({ operator: z.string(), values: z.array(z.number()) })),
    element: z.nullish(z.object({ name: z.nullish(z.string()) })),
  }),
)

/** Query parameters that a start accepts. */
const PARAMETER_NAMES = [
  'testResultName',
  'testResultDescription',
  'asCode',
  'reservationId',
  'reservationDuration',
  'reservationWebVUs',
  'reservationSAPVUs',
  'publishTestResult',
]
const workspace = { pattern: /^[\w-]{1,64}$/, example: '5e3acde2e860a132744ca916' }
/** The maximum page size. Lists are sorted newest first. */
/** A new result can be missing from responses for this long. */
const VISIBLE_WITHIN_MS = 120_000
const MAX_SLAS = 10
const NOT_FOUND = 404

/**
 * NeoLoad Web (API v3): runs a test. Each run has a test result, whose name contains the idempotency key.
 *
 * @see https://neoload-api.saas.neotys.com/explore/
 * @see https://github.com/Neotys-Labs/neoload-cli NeoLoad's own client
 */
export const neoload = defineJob({
  title: 'NeoLoad',
  noun: 'test result',
  connection,
  headers: ({ token }) => ({ accountToken: token }),
  check: ({ http }) => http.get('v3/workspaces'),
  retryAfterUnit: 'milliseconds',

  states: {
    INIT: 'running',
    STARTING: 'running',
    RUNNING: 'running',
    'TERMINATED/POLICY/COMPUTING': 'running',
    'TERMINATED/VARIABLE/COMPUTING': 'running',
    'TERMINATED/POLICY/PASSED': 'pass',
    'TERMINATED/VARIABLE/PASSED': 'pass',
    'TERMINATED/POLICY/UNKNOWN': 'warning',
    'TERMINATED/VARIABLE/UNKNOWN': 'warning',
    'TERMINATED/POLICY/FAILED': 'fail',
    'TERMINATED/VARIABLE/FAILED': 'fail',
    'TERMINATED/MANUAL': 'aborted',
    'TERMINATED/CANCELLED': 'aborted',
    'TERMINATED/FAILED_TO_START': 'errored',
    'TERMINATED/LG_AVAILABILITY': 'errored',
    'TERMINATED/LICENSE': 'errored',
    'TERMINATED/RESERVATION_ENDED': 'errored',
    'TERMINATED/UNKNOWN': 'errored',
  },

  project: workspace,
  runId: {
    pattern: /^[^#]+#[\w-]{1,64}$/,
    description: `a test result id such as ${workspace.example}#c6ff329e-ec09-4be3-b3c5-ea0c5d9be2a8, or one without the workspace together with input.project`,
    within: 'project',
  },
  identify: ({ id, startedAt }: { id: string; startedAt?: number }, { connection: { webUrl } }) => ({
    id,
    url: `${webUrl.replace(/\/$/, '')}/#!result/${segment(id)}/overview`,
    ...(startedAt === undefined ? {} : { providerState: { startedAt } }),
  }),

  checkStart({ target, ref, parameters = {} }) {
    if (!isId(target))
      throw invalidInput('input.target', 'must be a test id such as 5ed5350f-9f2f-4e2a-9acb-cdbcee874256')
    if (ref !== undefined) throw invalidInput('input.ref', 'is not supported: a test has no versions')
    const unknown = Object.keys(parameters).filter((name) => !PARAMETER_NAMES.includes(name))
    if (unknown.length > 0)
      throw invalidInput(
        'input.parameters',
        `contains ${unknown.join(', ')}, but a start accepts only ${PARAMETER_NAMES.join(', ')}`,
      )
  },

  search: {
    pageSize: 200,
    // A result appears some seconds after its start.
    delaysMs: [0, 2_000, 3_000, 5_000],
    async list({ http }, { project = '' }, { size }) {
      const query = { sort: '-startDate', limit: size }
      const { body } = await http.get(`${workspacePath(project)}/test-results`, { query, schema: resultList })
      return { runs: body, next: body.length < size ? undefined : '2' }
    },
    hasKey: ({ name }, { idempotencyKey }) => name?.includes(idempotencyKey),
  },

  // NeoLoad takes all parameters in the query, without a body.
  async start({ http, idempotencyKey }, { target, project = '', parameters }) {
    const path = `${workspacePath(project)}/tests/${segment(target)}/start`
    const query = queryOf(parameters, idempotencyKey)
    const { resultId } = (await http.post(path, undefined, { query, schema: started })).body
    return { id: resultId, startedAt: Date.now() }
  },

  async getStatus({ http }, run) {
    const path = resultPath(run)
    const { status, body } = await http.get(path, { schema: result, accept: isNew(run) ? [NOT_FOUND] : [] })
    if (status === NOT_FOUND) return { state: 'INIT', progress: 'the result is not available yet' }
    return { state: stateOf(body), run: { id: run.localId }, results: () => resultsOf(http, path, body) }
  },

  // A graceful stop: the measurements so far are saved.
  async stop({ http }, run) {
    await http.post(`${resultPath(run)}/stop`, { stopPolicy: 'GRACEFUL' })
  },
})

function queryOf(parameters: StartJob['parameters'], key: string | undefined) {
  const { testResultName = 'cloud-automation-webhooks', ...others } = toTextParameters(parameters)
  return { testResultName: key ? `${testResultName} ${key}` : testResultName, ...others }
}

function stateOf({ status, terminationReason, qualityStatus }: Result): string {
  if (status !== 'TERMINATED') return status
  const isComplete = terminationReason === 'POLICY' || terminationReason === 'VARIABLE'
  return [status, terminationReason, isComplete && qualityStatus].filter(Boolean).join('/')
}

async function resultsOf(http: Http, path: string, { qualityStatus, startDate, endDate }: Result): Promise<RunResults> {
  const failed = qualityStatus === 'FAILED' ? await failedSlasOf(http, path) : []
  const metrics = await statisticsOf(http, path)
  return {
    reasons: failed.map(
      ({ sla, element, value, fails }) => `${sla}${element ? ` of ${element}` : ''} is ${value} (fails at ${fails})`,
    ),
    data: { ...metrics, ...(failed.length > 0 ? { failedSlas: failed.slice(0, MAX_SLAS) } : {}) },
    metrics,
    period: { start: startDate, end: endDate },
  }
}

async function failedSlasOf(http: Http, path: string) {
  const query = { status: 'FAILED' }
  const found = []
  for (const kind of ['statistics', 'per-test']) {
    const { status, body } = await http.get(`${path}/slas/${kind}`, { query, schema: slas, accept: [NOT_FOUND] })
    if (status !== NOT_FOUND) found.push(...body)
  }
  return found.map(({ kpi: sla, value, failedThreshold, element }) => ({
    sla,
    ...(element?.name ? { element: element.name } : {}),
    value: value ?? null,
    fails: failedThreshold ? `${failedThreshold.operator} ${failedThreshold.values.join(' and ')}` : 'an unknown value',
  }))
}

async function statisticsOf(http: Http, path: string): Promise<Record<string, number>> {
  const { status, body } = await http.get(`${path}/statistics`, { schema: statistics, accept: [NOT_FOUND] })
  if (status === NOT_FOUND) return {}
  const { totalRequestCountSuccess: succeeded, totalRequestCountFailure: errors } = body
  const requests = succeeded == null || errors == null ? undefined : succeeded + errors
  // NeoLoad reports seconds.
  const mean = scale(1_000, body.totalRequestDurationAverage)
  return metricsOf({ mean, requests, errors, rps: body.totalRequestCountPerSecond })
}

function isNew({ providerState }: Run): boolean {
  const { startedAt = 0 } = (providerState ?? {}) as { startedAt?: number }
  return Date.now() - startedAt < VISIBLE_WITHIN_MS
}

function resultPath({ parent, localId }: IdentifiedRun): string {
  return `${workspacePath(parent)}/test-results/${segment(localId)}`
}

function isId(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text)
}

function workspacePath(project: string): string {
  return `v3/workspaces/${segment(project)}`
}
