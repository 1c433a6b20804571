import * as z from 'zod/mini'
import { formatDuration } from '../../../shared/duration.ts'
import { Failure, toSentence } from '../../../shared/errors.ts'
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
  baseUrl: url("Where Locust's web interface is"),
  username: optional(word('User of a proxy in front of Locust, or of the --web-auth that it had up to 2.2x')),
  password: optional(secret('Password of that user')),
  target: optional(
    word('Default host to put load on, such as https://shop.example.com; locustfile for the one it names'),
  ),
})

const parameters = z.looseObject({
  user_count: z._default(integer(1, 1_000_000, 'Users at the peak'), 1),
  spawn_rate: z._default(withDescription(z.coerce.number().check(z.gt(0)), 'Users started per second'), 1),
  run_time: seconds(1, 7 * 86_400, 'How long it runs, in seconds or like PT5M'),
  user_classes: optional(words('Which of its classes of users, where Locust was started with --class-picker')),
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

/** What it takes to tell the end of this test from others': Locust knows neither an id nor a history. */
interface Handle {
  /** Epoch milliseconds; when it must be over. */
  startedAt: number
  endsAt: number
  /** Whether its length is decided by a shape of the locustfile. */
  shaped: boolean
}

/** Locust tells its state from a cache of two seconds: for so long it may still be that of before, in milliseconds. */
const staleFor = 3_000
/** A test that ends this much before its time, in milliseconds, was stopped by somebody. */
const early = 3_000
/** Locusts that do not know run_time are stopped by us; the others have this time to do it themselves, in milliseconds. */
const grace = 10_000
/** States in which a further start would change the test that runs. */
const busy = ['spawning', 'running', 'cleanup', 'stopping']
const longestReason = 300

/**
 * Locust with its web interface, which runs one test at a time.
 *
 * A start whose answer was lost is repeated only where Locust has run nothing since it began: there is no place for a key.
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
    // It was started anew, and knows nothing of the test.
    ready: 'errored',
    missing: 'errored',
  },

  checkStart({ target, project, ref, ...input }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined)
        throw invalid(field, 'is of no use, since Locust runs the locustfile that it has: leave it out')
    if (target !== ownHost && !isHost(target))
      throw invalid('target', `is no host: write it like https://shop.example.com, or ${ownHost} for the one it names`)
    if (input.parameters && 'host' in input.parameters) throw invalid('parameters.host', 'is input.target here')
    parametersOf(input)
  },

  async find({ http, isRetry: repeated }) {
    if (!repeated) return undefined
    return (await stateNow(http)) === 'ready' ? undefined : 'unknown'
  },

  async start({ http }, input) {
    const state = await stateNow(http)
    // Whoever asks tries again until its deadline, and so waits for its turn.
    if (busy.includes(state))
      throw new Failure('platform', `Locust runs another test (${state}), and can run one at a time.`)
    const { user_count, spawn_rate, run_time, user_classes = [], ...others } = parametersOf(input)
    const form = new URLSearchParams({
      user_count: String(user_count),
      spawn_rate: String(spawn_rate),
      run_time: `${run_time}s`,
      ...(input.target === ownHost ? {} : { host: input.target }),
      ...toTextParameters(others),
    })
    for (const name of user_classes) form.append('user_classes', name)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { success, message } = (await http.post('swarm', form.toString(), { headers, schema: swarm })).body
    if (!success)
      throw new Failure('refused', toSentence(`Locust did not start the test: ${message ?? 'no reason given'}`))
    const startedAt = Date.now()
    const handle: Handle = {
      startedAt,
      endsAt: startedAt + run_time * 1_000,
      shaped: message?.includes('shape') ?? false,
    }
    const summary = `${user_count} users, ${spawn_rate} more each second, for ${formatDuration(run_time)}`
    return { id: new Date(startedAt).toISOString(), url: http.baseUrl, summary, providerState: handle }
  },

  async getStatus({ http }, { id, providerState: handle }) {
    const { body } = await http.get('stats/requests', { schema: stats })
    const { state } = body
    const run: Run = { id, url: http.baseUrl, providerState: handle }
    const { startedAt, endsAt, shaped } = (handle ?? unknownTimes) as Handle
    const now = Date.now()
    if (!busy.includes(state) && now < startedAt + staleFor) return { state: 'starting', verdict: 'running', run }
    if (state === 'running' && now > endsAt + grace) await http.get('stop')
    if (state !== 'stopped') return { state, progress: stepOf(body), run }
    const left = endsAt - now
    const results = await resultsOf(http, body)
    if (shaped || left < early) return { state, run, ...results }
    const reason = [`it was stopped ${formatDuration(Math.round(left / 1_000))} before its time`, results.reason]
    return { state, run, ...results, verdict: 'aborted', reason: reason.filter(Boolean).join('; ') }
  },

  parseRunId({ id }) {
    if (id === current || !Number.isNaN(Date.parse(id))) return { id }
    throw invalid('id', `is no load test: write data.id of what was started, or ${current} for the one that runs`)
  },

  async stop({ http }) {
    await http.get('stop')
  },
})

const ownHost = 'locustfile'
const current = 'current'
/** A test that is only known by its id is taken as it is. */
const unknownTimes: Handle = { startedAt: 0, endsAt: 0, shaped: true }

function isHost(target: string): boolean {
  return /^https?:\/\//i.test(target) && URL.canParse(target) && !new URL(target).username
}

function parametersOf({ parameters: asked }: Pick<StartJob, 'parameters'>) {
  return validate(parameters, asked ?? {}, { what: 'The input', root: 'input.parameters' })
}

/** Its page tells the state as it is, in what its script gets; that of older ones does not, and the cache must pass. */
async function stateNow(http: Http): Promise<string> {
  const told = /"state": ?"(\w+)"/.exec(String((await http.get('')).body))?.[1]
  if (told !== undefined) return told
  await sleep(staleFor)
  return (await http.get('stats/requests', { schema: stats })).body.state
}

function stepOf({ state, user_count: users, total_rps: rps }: Stats): string {
  return `${state}, ${users ?? 0} users, ${round(rps ?? 0)} requests/s`
}

async function resultsOf(http: Http, { stats, errors }: Stats): Promise<Partial<RunStatus>> {
  const all = stats.findLast(({ name }) => name === total)
  const { num_requests: requests = 0, num_failures: failures = 0 } = all ?? {}
  const metrics = requests > 0 ? await measured(http, requests, failures) : { requests }
  const links = { 'locust report': `${http.baseUrl}/stats/report` }
  const results = { data: { ...metrics }, metrics, links }
  if (requests === 0) return { ...results, verdict: 'fail', reason: 'it made no request' }
  if (failures === 0) return results
  const [most] = [...errors].sort((a, b) => b.occurrences - a.occurrences)
  const why = most ? `, most with: ${[most.method, most.name].filter(Boolean).join(' ')} ${plain(most.error)}` : ''
  const reason = clipSingleLine(`${failures} of ${requests} requests failed${why}`, longestReason)
  return { ...results, reason, ...(failures === requests ? { verdict: 'fail' } : {}) }
}

const total = 'Aggregated'

/**
 * From the table that people download: of the whole test, and with all percentiles, where the statistics have the requests per
 * second of its last moments only.
 */
async function measured(http: Http, requests: number, errors: number): Promise<Record<string, number>> {
  const [head = '', ...rows] = String((await http.get('stats/requests/csv')).body)
    .trim()
    .split(/\r?\n/)
  // The last row is of all requests: no name with a comma is in it.
  const values = rows.at(-1)?.split(',') ?? []
  const named = Object.fromEntries(head.split(',').map((name, at) => [name, values[at]]))
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

const entities: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#x27;': "'", '&amp;': '&' }

function plain(html: string): string {
  return html.replace(/&(?:lt|gt|quot|#x27|amp);/g, (entity) => entities[entity] ?? entity)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', toSentence(`${path} ${message}`), { errors: [{ path, message }] })
}
