import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  type StopJob,
} from '../../../shared/providers/job.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
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
const workspace = { title: 'NeoLoad', project: { pattern: /^[\w-]{1,64}$/, example: '5e3acde2e860a132744ca916' } }
/** The maximum page size. Lists are sorted newest first. */
const PAGE_SIZE = 200
/** Delays before each search of a retry: a result appears some seconds after its start. */
const FIND_DELAYS_MS = [0, 2_000, 3_000, 5_000]
/** A new result can be missing from responses for this long. */
const VISIBLE_WITHIN_MS = 120_000
const MAX_SLAS = 10
const MAX_REASON_LENGTH = 500
const NOT_FOUND = 404

/**
 * NeoLoad Web (API v3): runs a test. Each run has a test result, whose name contains the idempotency key.
 *
 * @see https://neoload-api.saas.neotys.com/explore/
 * @see https://github.com/Neotys-Labs/neoload-cli NeoLoad's own client
 */
export const neoload = defineJobProvider({
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

  checkStart({ target, project, ref, parameters = {} }, connection) {
    resolveProject(project, connection, workspace, true)
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

  async find({ http, connection, idempotencyKey, isRetry }, { project = '' }) {
    let isComplete = true
    for (const delay of isRetry ? FIND_DELAYS_MS : [0]) {
      await sleep(delay)
      const query = { sort: '-startDate', limit: PAGE_SIZE }
      const { body } = await http.get(`${workspacePath(project)}/test-results`, { query, schema: resultList })
      const found = body.find(({ name }) => name?.includes(idempotencyKey))
      if (found) return runOf(connection, project, found.id)
      isComplete = body.length < PAGE_SIZE
    }
    return isRetry && !isComplete ? 'unknown' : undefined
  },

  // NeoLoad takes all parameters in the query, without a body.
  async start({ http, connection, idempotencyKey }, { target, project = '', parameters }) {
    const path = `${workspacePath(project)}/tests/${segment(target)}/start`
    const query = queryOf(parameters, idempotencyKey)
    const { resultId } = (await http.post(path, undefined, { query, schema: started })).body
    return { ...runOf(connection, project, resultId), providerState: { startedAt: Date.now() } }
  },

  async getStatus({ http, connection }, run) {
    const { project, result: id, path } = parseId(run)
    const response = await http.get(path, { schema: result, accept: isNew(run) ? [NOT_FOUND] : [] })
    if (response.status === NOT_FOUND) return { state: 'INIT', progress: 'the result is not available yet' }
    const state = stateOf(response.body)
    const status = { state, run: { ...runOf(connection, project, id), providerState: run.providerState } }
    return hasEnded(response.body) ? { ...status, ...(await resultsOf(http, path, response.body)) } : status
  },

  parseRunId(input) {
    const { project, result } = parseId(input)
    return { id: `${project}#${result}` }
  },

  // A graceful stop: the measurements so far are saved.
  async stop({ http }, run) {
    const { path } = parseId(run)
    await http.post(`${path}/stop`, { stopPolicy: 'GRACEFUL' })
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

function hasEnded({ status, qualityStatus }: Result): boolean {
  return status === 'TERMINATED' && qualityStatus !== 'COMPUTING'
}

async function resultsOf(http: Http, path: string, { qualityStatus, startDate, endDate }: Result) {
  const failed = qualityStatus === 'FAILED' ? await failedSlasOf(http, path) : []
  const metrics = await statisticsOf(http, path)
  const reasons = failed.map(
    ({ sla, element, value, fails }) => `${sla}${element ? ` of ${element}` : ''} is ${value} (fails at ${fails})`,
  )
  return {
    ...(reasons.length > 0 ? { reason: clipSingleLine(reasons.join('; '), MAX_REASON_LENGTH) } : {}),
    data: { ...metrics, ...(failed.length > 0 ? { failedSlas: failed.slice(0, MAX_SLAS) } : {}) },
    metrics,
    period: { start: startDate, end: endDate },
  } satisfies Partial<RunStatus>
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

function runOf({ webUrl }: z.output<typeof connection>, project: string, result: string): Run {
  return { id: `${project}#${result}`, url: `${webUrl.replace(/\/$/, '')}/#!result/${segment(result)}/overview` }
}

/** An id is `workspace#result`. The id of a result alone requires a project. */
function parseId({ id, project: inputProject }: Pick<StopJob, 'id' | 'project'>) {
  const [, named, result] = /^(?:([^#]+)#|#)?([\w-]{1,64})$/.exec(id) ?? []
  const project = named ?? inputProject
  if (result && project && workspace.project.pattern.test(project))
    return { project, result, path: `${workspacePath(project)}/test-results/${segment(result)}` }
  throw invalidInput(
    'input.id',
    `must be a test result id such as ${workspace.project.example}#c6ff329e-ec09-4be3-b3c5-ea0c5d9be2a8, or one without the workspace together with input.project`,
  )
}

function isId(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text)
}

function workspacePath(project: string): string {
  return `v3/workspaces/${segment(project)}`
}
