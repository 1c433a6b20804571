import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
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
import { metricsOf, times } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('The API of NeoLoad Web; https://neoload-api.saas.neotys.com where left out'),
    'https://neoload-api.saas.neotys.com',
  ),
  token: secret('An account token of NeoLoad Web'),
  webUrl: z._default(
    url('Where people see results; https://neoload.saas.neotys.com where left out'),
    'https://neoload.saas.neotys.com',
  ),
  project: optional(word('Default workspace, by its id')),
  target: optional(word('Default test, by its id')),
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
const listed = z.array(z.object({ id: z.string(), name: z.nullish(z.string()) }))
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

/** What a start takes beside the name, all in its query. */
const parameterNames = [
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
/** As many as a list may have; the newest come first. */
const listedAtOnce = 200
/** A result is there only some seconds after its start: the pauses before we look for it, in milliseconds. */
const looks = [0, 2_000, 3_000, 5_000]
/** For so long a result that is not there may still come, in milliseconds. */
const comesWithin = 120_000
const mostSlas = 10
const longestReason = 500
const notThere = [404]

/**
 * NeoLoad Web (API v3): a test, of which each run has a result.
 *
 * @see https://neoload-api.saas.neotys.com/explore/
 * @see https://github.com/Neotys-Labs/neoload-cli the vendor's own client
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
    if (!isId(target)) throw invalid('target', 'is no test: write its id like 5ed5350f-9f2f-4e2a-9acb-cdbcee874256')
    if (ref !== undefined) throw invalid('ref', 'is of no use, since a test has no versions: leave it out')
    const unknown = Object.keys(parameters).filter((name) => !parameterNames.includes(name))
    if (unknown.length > 0)
      throw invalid('parameters', `has ${unknown.join(', ')}: a start takes ${parameterNames.join(', ')}`)
  },

  async find({ http, connection, idempotencyKey: key, isRetry: repeated }, { project = '' }) {
    for (const pause of repeated ? looks : [0]) {
      await sleep(pause)
      const query = { sort: '-startDate', limit: listedAtOnce }
      const { body } = await http.get(`${workspacePath(project)}/test-results`, { query, schema: listed })
      const found = body.find(({ name }) => name?.includes(key))
      if (found) return runOf(connection, project, found.id)
    }
    return undefined
  },

  // Everything is in the query, and there is no body.
  async start({ http, connection, idempotencyKey: key }, { target, project = '', parameters }) {
    const path = `${workspacePath(project)}/tests/${segment(target)}/start`
    const query = queryOf(parameters, key)
    const { resultId } = (await http.post(path, undefined, { query, schema: started })).body
    return { ...runOf(connection, project, resultId), providerState: { startedAt: Date.now() } }
  },

  async getStatus({ http, connection }, run) {
    const { project, result: id, path } = locate(run)
    const seen = await http.get(path, { schema: result, accept: mayStillCome(run) ? notThere : [] })
    if (notThere.includes(seen.status)) return { state: 'INIT', progress: 'the result is not there yet' }
    const state = stateOf(seen.body)
    const sight = { state, run: { ...runOf(connection, project, id), providerState: run.providerState } }
    return hasEnded(seen.body) ? { ...sight, ...(await resultsOf(http, path, seen.body)) } : sight
  },

  parseRunId(input) {
    const { project, result } = locate(input)
    return { id: `${project}#${result}` }
  },

  // Gently: what was measured is kept.
  async stop({ http }, run) {
    const { path } = locate(run)
    try {
      await http.post(`${path}/stop`, { stopPolicy: 'GRACEFUL' })
    } catch (error) {
      // It has ended in the meantime: the next look shows how.
      const refused = error instanceof Failure && error.kind === 'refused'
      if (refused && (await http.get(path, { schema: result })).body.status === 'TERMINATED') return
      throw error
    }
  },
})

function queryOf(parameters: StartJob['parameters'], key: string | undefined) {
  const { testResultName = 'cloud-automation-webhooks', ...others } = toTextParameters(parameters)
  return { testResultName: key ? `${testResultName} ${key}` : testResultName, ...others }
}

function stateOf({ status, terminationReason, qualityStatus }: Result): string {
  if (status !== 'TERMINATED') return status
  const ranToItsEnd = terminationReason === 'POLICY' || terminationReason === 'VARIABLE'
  return [status, terminationReason, ranToItsEnd && qualityStatus].filter(Boolean).join('/')
}

function hasEnded({ status, qualityStatus }: Result): boolean {
  return status === 'TERMINATED' && qualityStatus !== 'COMPUTING'
}

async function resultsOf(http: Http, path: string, { qualityStatus, startDate, endDate }: Result) {
  const failed = qualityStatus === 'FAILED' ? await failedSlasOf(http, path) : []
  const duration = startDate && endDate ? (endDate - startDate) / 1_000 : undefined
  const metrics = { ...(await statisticsOf(http, path)), ...metricsOf({ duration }) }
  const words = failed.map(
    ({ sla, element, value, fails }) => `${sla}${element ? ` of ${element}` : ''} is ${value} (fails at ${fails})`,
  )
  return {
    ...(words.length > 0 ? { reason: clipSingleLine(words.join('; '), longestReason) } : {}),
    data: { ...metrics, ...(failed.length > 0 ? { failedSlas: failed.slice(0, mostSlas) } : {}) },
    metrics,
    period: { start: startDate, end: endDate },
  } satisfies Partial<RunStatus>
}

async function failedSlasOf(http: Http, path: string) {
  const query = { status: 'FAILED' }
  const found = []
  for (const kind of ['statistics', 'per-test']) {
    const { status, body } = await http.get(`${path}/slas/${kind}`, { query, schema: slas, accept: notThere })
    if (!notThere.includes(status)) found.push(...body)
  }
  return found.map(({ kpi: sla, value, failedThreshold, element }) => ({
    sla,
    ...(element?.name ? { element: element.name } : {}),
    value: value ?? null,
    fails: failedThreshold ? `${failedThreshold.operator} ${failedThreshold.values.join(' and ')}` : 'an unknown value',
  }))
}

async function statisticsOf(http: Http, path: string): Promise<Record<string, number>> {
  const { status, body } = await http.get(`${path}/statistics`, { schema: statistics, accept: notThere })
  if (notThere.includes(status)) return {}
  const { totalRequestCountSuccess: good, totalRequestCountFailure: errors } = body
  const requests = good == null || errors == null ? undefined : good + errors
  // Seconds there.
  const mean = times(1_000, body.totalRequestDurationAverage)
  return metricsOf({ mean, requests, errors, rps: body.totalRequestCountPerSecond })
}

function mayStillCome({ providerState }: Run): boolean {
  const { startedAt = 0 } = (providerState ?? {}) as { startedAt?: number }
  return Date.now() - startedAt < comesWithin
}

function runOf({ webUrl }: z.output<typeof connection>, project: string, result: string): Run {
  return { id: `${project}#${result}`, url: `${webUrl.replace(/\/$/, '')}/#!result/${segment(result)}/overview` }
}

/** An id is `workspace#result`; a bare one of a result goes with the project. */
function locate({ id, project: given }: Pick<StopJob, 'id' | 'project'>) {
  const [, named, result] = /^(?:([^#]+)#|#)?([\w-]{1,64})$/.exec(id) ?? []
  const project = named ?? given
  if (result && project && workspace.project.pattern.test(project))
    return { project, result, path: `${workspacePath(project)}/test-results/${segment(result)}` }
  throw invalid(
    'id',
    `is no test result: write it like ${workspace.project.example}#c6ff329e-ec09-4be3-b3c5-ea0c5d9be2a8, or without the workspace and with input.project`,
  )
}

function isId(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text)
}

function workspacePath(project: string): string {
  return `v3/workspaces/${segment(project)}`
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
