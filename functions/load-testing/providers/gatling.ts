import * as z from 'zod/mini'
import { Failure, toSentence } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  type Verdict,
} from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { metricsOf } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('Where the API is; https://api.gatling.io where left out'), 'https://api.gatling.io'),
  token: secret('An API token with the role Start on the team of the tests'),
  target: optional(word('Default test: its id')),
})

const phase = z.nullish(z.object({ startedAt: z.string(), endedAt: z.nullish(z.string()) }))
const run = z.object({
  _id: z.string(),
  _status: z.string(),
  _result: z.object({
    assertions: z.array(z.object({ message: z.string(), succeed: z.boolean(), actualValue: z.nullish(z.number()) })),
  }),
  _outcome: z.nullish(z.object({ successful: z.boolean() })),
  _runtime: z.object({ timeline: z.object({ build: phase, deploy: phase, inject: phase }) }),
  _configuration: z.object({ testId: z.string(), incrementalId: z.int() }),
})
type GatlingRun = z.output<typeof run>
const oneRun = z.object({ data: run })
const started = z.object({ data: run, metadata: z.object({ urls: z.object({ run: z.string() }) }) })
const runs = z.object({ data: z.array(z.object({ _id: z.string(), title: z.nullish(z.string()) })) })

const api = 'api/public/v2'
/** How far back a run of ours is looked for: as long as a repeat is known as one, or as a task may take. */
const remembered = 25 * 3_600_000
const longestTask = 31 * 24 * 3_600_000
/** A new run may be listed after a while only: the pauses before a repeat looks for it, in milliseconds. */
const looks = [0, 1_000, 2_000]
const mostReasons = 3
const mostAssertions = 20
const longestReason = 500

/** The names are those of its plugins for CI servers; the API itself has none, so its outcome decides where there is one. */
const states: Readonly<Record<string, Verdict>> = {
  Building: 'running',
  Deploying: 'running',
  Deployed: 'running',
  Injecting: 'running',
  StopRequested: 'running',
  Successful: 'pass',
  AssertionsSuccessful: 'pass',
  AssertionsFailed: 'fail',
  // By the test's own criteria of a stop.
  AutomaticallyStopped: 'fail',
  StopCriteriaTriggered: 'fail',
  Stopped: 'aborted',
  ManuallyStopped: 'aborted',
  Timeout: 'errored',
  BuildFailed: 'errored',
  Broken: 'errored',
  DeploymentFailed: 'errored',
  InsufficientLicense: 'errored',
  InvalidLicense: 'errored',
}

/**
 * Gatling Enterprise (public API v2): a run of a test. It carries the key of its call in its title, the only place that lists
 * show.
 *
 * @see https://docs.gatling.io/reference/api
 * @see https://github.com/gatling/gatling-enterprise-api
 */
export const gatling = defineJobProvider({
  title: 'Gatling Enterprise',
  noun: 'run',
  connection,
  // The token itself, without a scheme.
  headers: ({ token }) => ({ authorization: token }),
  // What the server says of itself takes no token.
  check: ({ http }) => http.get(`${api}/runs`, { query: { limit: 1 } }),
  errorReason: reasonOf,

  states,

  checkStart({ target, project, ref }) {
    if (!isId(target)) throw invalid('target', 'is no test: write its id, like kqCL3sMdpbcTDBUwQZKx7Q')
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalid(field, 'is of no use, since a test is known by its id: leave it out')
  },

  async find({ http, idempotencyKey: key, isRetry: repeated }, { target }) {
    const since = new Date(Date.now() - (repeated ? longestTask : remembered)).toISOString()
    for (const pause of repeated ? looks : [0]) {
      await sleep(pause)
      const query = { 'test-id': target, 'updated-at_gt': since }
      const { data } = (await http.get(`${api}/runs`, { query, schema: runs })).body
      const found = data.find(({ title }) => title?.includes(key))
      if (found) return { id: found._id }
    }
    return undefined
  },

  async start({ http, idempotencyKey: key }, { target, parameters }) {
    const body = {
      ...(key ? { title: `cloud-automation-webhooks ${key}` } : {}),
      ...(parameters ? { extra: { systemProperties: toTextParameters(parameters) } } : {}),
    }
    const { data, metadata } = (await http.post(`${api}/tests/${segment(target)}/runs`, body, { schema: started })).body
    const url = metadata.urls.run
    return { id: data._id, ...(URL.canParse(url) ? { url } : {}) } satisfies Run
  },

  async getStatus({ http }, { id }) {
    const { data } = (await http.get(runPath(id), { schema: oneRun })).body
    const { _status: state, _outcome: outcome } = data
    const verdict = outcome ? endedAs(state, outcome.successful) : undefined
    const ended = verdict !== undefined || (states[state] ?? 'running') !== 'running'
    return { state, ...(verdict ? { verdict } : {}), progress: stepOf(data), ...(ended ? resultsOf(data) : {}) }
  },

  parseRunId({ id }) {
    if (isId(id)) return { id }
    throw invalid('id', 'is no run: write it like kqCL3sMdpbcTDBUwQZKx7Q')
  },

  async stop({ http }, { id }) {
    try {
      await http.post(`${runPath(id)}/actions/stop`)
    } catch (error) {
      if (error instanceof Failure && error.kind === 'refused' && (await hasEnded(http, id))) return
      throw error
    }
  },
})

/** What was stopped or broke has no success, whatever its outcome; else the outcome decides, also for a name not known here. */
function endedAs(state: string, successful: boolean): Verdict {
  const told = Object.hasOwn(states, state) ? states[state] : undefined
  if (told === 'aborted' || told === 'errored') return told
  return successful ? 'pass' : 'fail'
}

async function hasEnded(http: Http, id: string): Promise<boolean> {
  const { _status: state, _outcome: outcome } = (await http.get(runPath(id), { schema: oneRun })).body.data
  return Boolean(outcome) || (states[state] ?? 'running') !== 'running'
}

function stepOf({ _status, _configuration: { incrementalId } }: GatlingRun): string {
  return `run #${incrementalId}, ${_status}`
}

function resultsOf({ _result, _runtime, _configuration }: GatlingRun): Partial<RunStatus> {
  const { assertions } = _result
  const missed = assertions.filter(({ succeed }) => !succeed)
  const told = missed.slice(0, mostReasons).map(inWords)
  if (missed.length > mostReasons) told.push(`and ${missed.length - mostReasons} more`)
  const { startedAt, endedAt } = _runtime.timeline.inject ?? {}
  const duration = startedAt && endedAt ? (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000 : undefined
  const metrics = { ...metricsOf({ duration }), assertions: assertions.length, failedAssertions: missed.length }
  return {
    reason: told.length > 0 ? clipSingleLine(told.join('; '), longestReason) : undefined,
    period: { start: startedAt, end: endedAt },
    metrics,
    data: {
      ...metrics,
      number: _configuration.incrementalId,
      ...(missed.length > 0 ? { missed: missed.slice(0, mostAssertions).map(inWords) } : {}),
    },
  }
}

function inWords({ message, actualValue }: { message: string; actualValue?: number | null | undefined }): string {
  return actualValue == null ? message : `${message} (it was ${actualValue})`
}

/** An error has a message, and reasons that have one each. */
function reasonOf(body: unknown): string | undefined {
  const { message, reasons } = (body ?? {}) as { message?: unknown; reasons?: unknown }
  if (typeof message !== 'string') return undefined
  const more = Array.isArray(reasons) ? reasons.map(reasonOf) : []
  return [message, ...more].filter(Boolean).join('; ')
}

function runPath(id: string): string {
  return `${api}/runs/${segment(id)}`
}

function isId(text: StartJob['target']): boolean {
  return /^[\w-]{1,64}$/.test(text)
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', toSentence(`${path} ${message}`), { errors: [{ path, message }] })
}
