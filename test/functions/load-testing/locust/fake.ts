import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { ok, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, startWith } from '../../../conformance/row.ts'

export type LocustServer = Awaited<ReturnType<typeof startLocust>>
type State = ReturnType<typeof initial>

const PASSWORD = 'locust-password'

const initial = () => ({
  state: 'ready',
  users: 0,
  /** The form of each start. */
  starts: [] as Record<string, string | string[]>[],
  stops: 0,
  requests: 0,
  failures: 0,
  errors: [] as { method: string; name: string; error: string; occurrences: number }[],
  /** The locustfile has a shape, which determines how long the test runs. */
  shape: false,
  /** An old version, which ignores `run_time`. */
  old: false,
  /** The page of an old version, which does not contain the state. */
  oldPage: false,
  /** The number of requests that still return the cached state. */
  stale: 0,
  /** The cached state. */
  before: 'ready',
})

/**
 * A fake of the web interface of Locust 2.24. The responses are those of a real server.
 *
 * @see https://github.com/locustio/locust/blob/2.24.0/locust/web.py
 */
export const startLocust = definePlatform({
  state: initial,
  refuses: requireHeader('authorization', basic('robot', PASSWORD), page(401, 'Unauthorized')),
  routes: {
    'GET /': ({ state }) => page(200, renderPage(state)),
    'GET /stats/requests': ({ state }) => statsResponse(state),
    'GET /stats/requests/csv': ({ state }) => ({
      status: 200,
      body: renderCsv(state),
      headers: { 'content-type': 'text/csv' },
    }),
    'GET /stop': ({ state }) => {
      state.stops++
      Object.assign(state, { state: 'stopped', users: 0 })
      return { message: 'Test stopped', success: true }
    },
    'POST /swarm': ({ state, headers, text }) =>
      swarm(state, new URLSearchParams(headers['content-type'] === 'application/x-www-form-urlencoded' ? text : '')),
  },
  notFound: page(500, '404 Not Found: The requested URL was not found on the server.'),
  members: (state) => ({
    password: PASSWORD,
    /** Completes the test. */
    finish(requests = 135, failures = 0) {
      const error = 'HTTPError(&#x27;500 Server Error: Internal Server Error for url: /&#x27;)'
      const errors = failures > 0 ? [{ method: 'GET', name: '/', error, occurrences: failures }] : []
      Object.assign(state, { state: 'stopped', users: 0, requests, failures, errors })
    },
  }),
})

/** Returns an HTML page. Locust reports invalid requests with the status 500 and the error as a page. */
function page(status: number, body: string): Reply {
  return { status, body, headers: { 'content-type': 'text/html; charset=utf-8' } }
}

function renderPage({ state, users, oldPage }: State): string {
  const settings = { locustfile: 'locustfile.py', tasks: '{}', state, user_count: users, run_time: null }
  const script = JSON.stringify(settings).replaceAll('":', '": ')
  return `<!doctype html><title>Locust</title>${oldPage ? '' : `<script>window.templateArgs = ${script}</script>`}`
}

function swarm(state: State, form: URLSearchParams): Reply {
  const users = form.get('user_count')
  if (users === null)
    return page(500, "cannot access local variable 'user_count' where it is not associated with a value")
  if (!/^\d+$/.test(users)) return page(500, `invalid literal for int() with base 10: '${users}'`)
  const time = form.get('run_time')
  const host = form.get('host') ?? 'http://of-the-locustfile.example.com'
  if (time !== null && !/^(\d+h)?(\d+m)?(\d+s?)?$/.test(time)) {
    const message = 'Valid run_time formats are : 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.'
    return ok({ success: false, message, host })
  }
  const fields = [...new Set(form.keys())].map((name) => {
    const [value = '', ...others] = form.getAll(name)
    return [name, others.length > 0 ? [value, ...others] : value]
  })
  state.starts.push(Object.fromEntries(fields))
  state.before = state.state
  // A start changes a test that is running.
  Object.assign(state, { state: 'spawning', users: Number(users), requests: 0, failures: 0, errors: [] })
  if (state.shape) return ok({ success: true, message: 'Swarming started using shape class', host })
  const limit = time !== null && !state.old ? { run_time: Number.parseInt(time, 10) } : {}
  return ok({ success: true, message: 'Swarming started', host, ...limit })
}

function statsResponse(state: State) {
  const { users, requests, failures, errors } = state
  const isStale = state.stale > 0
  if (isStale) state.stale--
  const methods = requests > 0 ? ['GET', ''] : [null]
  return {
    current_response_time_percentiles: { 'response_time_percentile_0.95': 26 },
    errors,
    fail_ratio: requests > 0 ? failures / requests : 0,
    state: isStale ? state.before : state.state,
    stats: methods.map((method) => statsRow(state, method)),
    total_avg_response_time: 23.96,
    total_fail_per_sec: 1.75,
    total_rps: requests > 0 ? 18.75 : 0,
    user_count: users,
  }
}

/** Returns the row of a method, or of all methods. */
function statsRow({ requests, failures }: State, method: string | null) {
  const name = method ? '/' : 'Aggregated'
  return {
    method,
    name,
    safe_name: name,
    num_requests: requests,
    num_failures: failures,
    current_rps: 18.75,
    avg_response_time: 23.96,
    median_response_time: 23,
    max_response_time: 38.0,
    min_response_time: 22.0,
  }
}

function renderCsv({ requests, failures }: State): string {
  const numbers = `${requests},${failures},23,23.96095082963088,21.937769000942353,37.520226000197,2.0,22.96118770390775,2.21`
  return [
    'Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%',
    `GET,"/,with a comma",${numbers},23,24,24,24,26,27,37,37,38,38,38`,
    `,Aggregated,${numbers},23,24,24,24,26,27,37,38,38,38,38`,
    '',
  ].join('\r\n')
}

export const jobRow = {
  ownTimes: 'it reports only the time of its first sample',
  reliableAfter: 30,
  stops: 'succeeded',
  starts: /^POST .*\/swarm$/,
  start: startWith(startLocust, ({ url: baseUrl, password, state, finish }) => {
    // The locustfile decides when a test ends, so no end is early.
    state.shape = true
    return {
      connection: { baseUrl, username: 'robot', password },
      input: { target: 'https://shop.example.com', parameters: { user_count: 2, spawn_rate: 1, run_time: 'PT1M' } },
      runs: () => state.starts.length,
      id: () => 'current',
      letStart: () => void Object.assign(state, { state: 'running' }),
      enter: (name) => (name === 'stopped' ? finish() : void Object.assign(state, { state: name })),
      end: finish,
      finishStop: () => state.state === 'stopped',
    }
  }),
} satisfies JobRow
