import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the API. Defaults to https://api.gatling.io'), 'https://api.gatling.io'),
  token: secret('API token with the role Start on the team that owns the tests'),
  target: optional(word('Default test, by id')),
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
const ID = /^[\w-]{1,64}$/
const MAX_REASONS = 3
const MAX_ASSERTIONS = 20

/** The API does not document its states. These are the names in Gatling's CI plugins; if a run has an outcome, it decides. */
const states: Readonly<Record<string, Verdict>> = {
  Building: 'running',
  Deploying: 'running',
  Deployed: 'running',
  Injecting: 'running',
  StopRequested: 'running',
  Successful: 'pass',
  AssertionsSuccessful: 'pass',
  AssertionsFailed: 'fail',
  // By the stop criteria of the test.
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
 * Gatling Enterprise (public API v2): runs a test. The title of the run contains the idempotency key, since lists show only
 * the title.
 *
 * @see https://docs.gatling.io/reference/api
 * @see https://github.com/gatling/gatling-enterprise-api
 */
export const gatling = defineJob({
  title: 'Gatling Enterprise',
  noun: 'run',
  connection,
  // The token without a scheme.
  headers: ({ token }) => ({ authorization: token }),
  // The server information requires no token, so list runs instead.
  check: ({ http }) => http.get(`${api}/runs`, { query: { limit: 1 } }),
  errorReason: reasonOf,

  states,
  runId: { pattern: ID, description: 'a run id such as kqCL3sMdpbcTDBUwQZKx7Q' },
  identify: ({ _id: id, url }: { _id: string; url?: string }) => ({ id, ...(url && URL.canParse(url) ? { url } : {}) }),

  checkStart({ target, project, ref }) {
    if (!ID.test(target)) throw invalidInput('input.target', 'must be a test id such as kqCL3sMdpbcTDBUwQZKx7Q')
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalidInput(`input.${field}`, 'is not supported: a test is identified by its id')
  },

  search: {
    pageSize: 'all',
    delaysMs: [0, 1_000, 2_000],
    async list({ http }, { target }, { since }) {
      const query = { 'test-id': target, 'updated-at_gt': since.toISOString() }
      return { runs: (await http.get(`${api}/runs`, { query, schema: runs })).body.data }
    },
    hasKey: ({ title }, { idempotencyKey }) => title?.includes(idempotencyKey),
  },

  async start({ http, idempotencyKey }, { target, parameters }) {
    const body = {
      ...(idempotencyKey ? { title: `cloud-automation-webhooks ${idempotencyKey}` } : {}),
      ...(parameters ? { extra: { systemProperties: toTextParameters(parameters) } } : {}),
    }
    const { data, metadata } = (await http.post(`${api}/tests/${segment(target)}/runs`, body, { schema: started })).body
    return { _id: data._id, url: metadata.urls.run }
  },

  async getStatus({ http }, { id }) {
    const { data } = (await http.get(runPath(id), { schema: oneRun })).body
    const { _status: state, _outcome: outcome } = data
    const verdict = outcome ? verdictOf(state, outcome.successful) : undefined
    return {
      state,
      ...(verdict ? { verdict } : {}),
      progress: describeProgress(data),
      results: () => resultsOf(data),
    }
  },

  async stop({ http }, { id }) {
    await http.post(`${runPath(id)}/actions/stop`)
  },
})

/** A stopped or broken run never passes, regardless of its outcome. Otherwise, the outcome decides, even in an unknown state. */
function verdictOf(state: string, successful: boolean): Verdict {
  const verdict = Object.hasOwn(states, state) ? states[state] : undefined
  if (verdict === 'aborted' || verdict === 'errored') return verdict
  return successful ? 'pass' : 'fail'
}

function describeProgress({ _status, _configuration: { incrementalId } }: GatlingRun): string {
  return `run #${incrementalId}, ${_status}`
}

function resultsOf({ _result, _runtime, _configuration }: GatlingRun): RunResults {
  const { assertions } = _result
  const missed = assertions.filter(({ succeed }) => !succeed)
  const reasons = missed.slice(0, MAX_REASONS).map(describeAssertion)
  if (missed.length > MAX_REASONS) reasons.push(`and ${missed.length - MAX_REASONS} more`)
  const { startedAt, endedAt } = _runtime.timeline.inject ?? {}
  const metrics = { assertions: assertions.length, failedAssertions: missed.length }
  return {
    reasons,
    period: { start: startedAt, end: endedAt },
    metrics,
    data: {
      ...metrics,
      number: _configuration.incrementalId,
      ...(missed.length > 0 ? { missed: missed.slice(0, MAX_ASSERTIONS).map(describeAssertion) } : {}),
    },
  }
}

function describeAssertion(assertion: { message: string; actualValue?: number | null | undefined }): string {
  const { message, actualValue } = assertion
  return actualValue == null ? message : `${message} (it was ${actualValue})`
}

/** An error has a message, and nested reasons that have a message each. */
function reasonOf(body: unknown): string | undefined {
  const { message, reasons } = (body ?? {}) as { message?: unknown; reasons?: unknown }
  if (typeof message !== 'string') return undefined
  const more = Array.isArray(reasons) ? reasons.map(reasonOf) : []
  return [message, ...more].filter(Boolean).join('; ')
}

function runPath(id: string): string {
  return `${api}/runs/${segment(id)}`
}
