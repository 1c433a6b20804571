import * as z from 'zod/mini'
import { formatDuration } from '../../../shared/duration.ts'
import { invalidInput, refused, retryLater, toSentence } from '../../../shared/errors.ts'
import { integer, optional, seconds, secret, url, withDescription, word, words } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { validate } from '../../../shared/validate.ts'
import { metricsOf } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: url("URL of Locust's web interface"),
  username: optional(
    word('User of a proxy in front of Locust, or of --web-auth in Locust up to 2.2x. --web-login is not supported'),
  ),
  password: optional(secret('Password of that user')),
  target: optional(
    word('Default host to put load on, such as https://shop.example.com; locustfile for the host in the locustfile'),
  ),
})

const parameters = z.looseObject({
  user_count: z._default(integer(1, 1_000_000, 'Peak number of users'), 1),
  spawn_rate: z._default(withDescription(z.coerce.number().check(z.gt(0)), 'Users started per second'), 1),
  run_time: seconds(1, 7 * 86_400, 'Duration, in seconds or like PT5M'),
  user_classes: optional(words('User classes to run, if Locust was started with --class-picker')),
})

const swarm = z.object({ success: z.boolean(), message: z.nullish(z.string()), run_time: z.nullish(z.number()) })
const counts = z.object({ name: z.string(), num_requests: z.int(), num_failures: z.int() })
const stats = z.object({
  state: z.string(),
  user_count: z.nullish(z.int()),
  total_rps: z.nullish(z.number()),
  stats: z.array(counts),
  errors: z.array(
    z.object({ method: z.nullish(z.string()), name: z.string(), error: z.string(), occurrences: z.int() }),
  ),
})
type Stats = z.output<typeof stats>

/** Distinguishes the end of this test from that of others: Locust has neither ids nor a history. */
interface TestState {
  /** Epoch milliseconds. */
  startedAt: number
  /** Latest end, in epoch milliseconds. */
  endsAt: number
  /** A LoadTestShape in the locustfile decides the duration. */
  hasShape: boolean
}

/** Locust caches its state for two seconds, so a response can be older than the start. */
const STALE_MS = 3_000
/** A test that ends earlier than this was stopped by another person. */
const EARLY_END_MS = 3_000
/** Versions of Locust without run_time do not stop by themselves. All others have this time to do so. */
const STOP_GRACE_MS = 10_000
/** In these states, a start would change the running test. */
const BUSY_STATES = ['spawning', 'running', 'cleanup', 'stopping']
const MAX_REASON_LENGTH = 300

/**
 * Locust through its web interface, which runs one test at a time.
 *
 * A start cannot carry an idempotency key, so it is retried only if Locust has run no test since it was launched.
 *
 * @see https://docs.locust.io/en/stable/api.html#web-ui-class
 * @see https://github.com/locustio/locust/blob/master/locust/web.py
 */
export const locust = defineJobProvider({
  title: 'Locust',
  noun: 'load test',
  connection,
  headers: ({ username, password = '' }): Record<string, string> =>
    username ? { authorization: basicAuth(username, password) } : {},
  check: ({ http }) => http.get('stats/requests', { schema: stats }),

  states: {
    spawning: 'running',
    running: 'running',
    cleanup: 'running',
    stopping: 'running',
    stopped: 'pass',
    // Locust was restarted and has lost the test.
    ready: 'errored',
    missing: 'errored',
  },

  checkStart({ target, project, ref, ...input }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalidInput(`input.${field}`, 'is not supported: Locust runs its own locustfile')
    if (target !== OWN_HOST && !isHost(target))
      throw invalidInput(
        'input.target',
        `must be a host such as https://shop.example.com, or ${OWN_HOST} for the host in the locustfile`,
      )
    if (input.parameters && 'host' in input.parameters)
      throw invalidInput('input.parameters.host', 'is not supported: set input.target instead')
    parametersOf(input)
  },

  lookUp: { newest: 'none' },

  async find({ http, isRetry }) {
    if (!isRetry) return undefined
    return (await currentState(http)) === 'ready' ? undefined : 'unknown'
  },

  async start({ http }, input) {
    const state = await currentState(http)
    // Transient: an interactive call waits for its turn.
    if (BUSY_STATES.includes(state))
      throw retryLater(`Locust is running another test (${state}), and can run only one at a time.`)
    const { user_count, spawn_rate, run_time, user_classes = [], ...others } = parametersOf(input)
    const form = new URLSearchParams({
      user_count: String(user_count),
      spawn_rate: String(spawn_rate),
      run_time: `${run_time}s`,
      ...(input.target === OWN_HOST ? {} : { host: input.target }),
      ...toTextParameters(others),
    })
    for (const name of user_classes) form.append('user_classes', name)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { success, message } = (await http.post('swarm', form.toString(), { headers, schema: swarm })).body
    if (!success) throw refused(toSentence(`Locust did not start the test: ${message ?? 'no reason given'}`))
    const startedAt = Date.now()
    const providerState: TestState = {
      startedAt,
      endsAt: startedAt + run_time * 1_000,
      hasShape: message?.includes('shape') ?? false,
    }
    const summary = `${user_count} users, ${spawn_rate} more each second, for ${formatDuration(run_time)}`
    return { id: new Date(startedAt).toISOString(), url: http.baseUrl, summary, providerState }
  },

  async getStatus({ http }, { id, providerState }) {
    const { body } = await http.get('stats/requests', { schema: stats })
    const { state } = body
    const run: Run = { id, url: http.baseUrl, providerState }
    const { startedAt, endsAt, hasShape } = (providerState ?? UNKNOWN_TIMES) as TestState
    const now = Date.now()
    if (!BUSY_STATES.includes(state) && now < startedAt + STALE_MS)
      return { state: 'starting', verdict: 'running', run }
    if (state === 'running' && now > endsAt + STOP_GRACE_MS) await http.get('stop')
    if (state !== 'stopped') return { state, progress: describeProgress(body), run }
    const remaining = endsAt - now
    const results = await resultsOf(http, body)
    if (hasShape || remaining < EARLY_END_MS) return { state, run, ...results }
    const reason = [`it was stopped ${formatDuration(Math.round(remaining / 1_000))} early`, results.reason]
    return { state, run, ...results, verdict: 'aborted', reason: reason.filter(Boolean).join('; ') }
  },

  parseRunId({ id }) {
    if (id === CURRENT || !Number.isNaN(Date.parse(id))) return { id }
    throw invalidInput('input.id', `must be the data.id that start-test returned, or ${CURRENT} for the running test`)
  },

  async stop({ http }) {
    await http.get('stop', { isRead: false })
  },
})

const OWN_HOST = 'locustfile'
const CURRENT = 'current'
/** For a call of stop-test, which knows only the id: the test never counts as stopped early. */
const UNKNOWN_TIMES: TestState = { startedAt: 0, endsAt: Number.POSITIVE_INFINITY, hasShape: true }

function isHost(target: string): boolean {
  return /^https?:\/\//i.test(target) && URL.canParse(target) && !new URL(target).username
}

function parametersOf({ parameters: values }: Pick<StartJob, 'parameters'>) {
  return validate(parameters, values ?? {}, { what: 'The input', root: 'input.parameters', isNullUnset: true })
}

/** Reads the state from the script of the start page, which is not cached. Older versions do not have it there. */
async function currentState(http: Http): Promise<string> {
  const page = String((await http.get('', { acceptsPages: true })).body)
  const state = /"state": ?"(\w+)"/.exec(page)?.[1]
  if (state !== undefined) return state
  if (!page.includes('<')) throw retryLater('The start page of Locust is not a web page. Check baseUrl.')
  await sleep(STALE_MS)
  return (await http.get('stats/requests', { schema: stats })).body.state
}

function describeProgress({ state, user_count: users, total_rps: rps }: Stats): string {
  return `${state}, ${users ?? 0} users, ${round(rps ?? 0)} requests/s`
}

async function resultsOf(http: Http, { stats, errors }: Stats): Promise<Partial<RunStatus>> {
  const all = stats.findLast(({ name }) => name === TOTAL)
  const { num_requests: requests = 0, num_failures: failures = 0 } = all ?? {}
  const metrics = requests > 0 ? await measure(http, requests, failures) : { requests }
  const links = { 'locust report': `${http.baseUrl}/stats/report` }
  const results = { data: { ...metrics }, metrics, links }
  if (requests === 0) return { ...results, verdict: 'fail', reason: 'it sent no requests' }
  if (failures === 0) return results
  const [top] = [...errors].sort((a, b) => b.occurrences - a.occurrences)
  const details = top ? `, most with: ${[top.method, top.name].filter(Boolean).join(' ')} ${decodeHtml(top.error)}` : ''
  const reason = clipSingleLine(`${failures} of ${requests} requests failed${details}`, MAX_REASON_LENGTH)
  return { ...results, reason, ...(failures === requests ? { verdict: 'fail' } : {}) }
}

const TOTAL = 'Aggregated'

/**
 * Reads the CSV report. It covers the complete test and has all percentiles, while the statistics contain only the most recent
 * requests per second.
 */
async function measure(http: Http, requests: number, errors: number): Promise<Record<string, number>> {
  const [head = '', ...rows] = String((await http.get('stats/requests/csv')).body)
    .trim()
    .split(/\r?\n/)
  // The last row is the total, whose name contains no comma.
  const values = rows.at(-1)?.split(',') ?? []
  const named = Object.fromEntries(head.split(',').map((name, index) => [name, values[index]]))
  return metricsOf({
    requests,
    errors,
    rps: named['Requests/s'],
    mean: named['Average Response Time'],
    min: named['Min Response Time'],
    max: named['Max Response Time'],
    p50: named['50%'],
    p90: named['90%'],
    p95: named['95%'],
    p99: named['99%'],
  })
}

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#x27;': "'", '&amp;': '&' }

function decodeHtml(html: string): string {
  return html.replace(/&(?:lt|gt|quot|#x27|amp);/g, (entity) => ENTITIES[entity] ?? entity)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
