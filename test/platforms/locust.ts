import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

/** The state of the fake. Tests read and change it. */
interface LocustState {
  state: string
  users: number
  /** The form of each start. */
  starts: Record<string, string | string[]>[]
  stops: number
  requests: number
  failures: number
  errors: { method: string; name: string; error: string; occurrences: number }[]
  /** A Locust whose locustfile has a shape decides itself how long it runs. */
  shape: boolean
  /** An old one leaves `run_time` out without a word. */
  old: boolean
  /** Whether the page is of an older version, which does not contain the state. */
  oldPage: boolean
  /** How many look-ups still show the state of before, since it is cached. */
  stale: number
  /** The content of the cache. */
  before: string
}

export interface LocustServer extends Served {
  password: string
  state: LocustState
  /** Completes the test. */
  finish(requests?: number, failures?: number): void
}

/**
 * The web interface of Locust 2.24, as a real one answers.
 *
 * @see https://github.com/locustio/locust/blob/2.24.0/locust/web.py
 */
export async function startLocust(): Promise<LocustServer> {
  const state: LocustState = {
    state: 'ready',
    users: 0,
    starts: [],
    stops: 0,
    requests: 0,
    failures: 0,
    errors: [],
    shape: false,
    old: false,
    oldPage: false,
    stale: 0,
    before: 'ready',
  }
  const password = 'locust-password'
  const login = `Basic ${Buffer.from(`robot:${password}`).toString('base64')}`
  const served = await serve((call) => {
    if (call.headers['authorization'] !== login) return page(401, 'Unauthorized')
    return createLocust(state).answer(call)
  })
  return {
    ...served,
    password,
    state,
    finish(requests = 135, failures = 0) {
      const error = 'HTTPError(&#x27;500 Server Error: Internal Server Error for url: /&#x27;)'
      const errors = failures > 0 ? [{ method: 'GET', name: '/', error, occurrences: failures }] : []
      Object.assign(state, { state: 'stopped', users: 0, requests, failures, errors })
    },
  }
}

/** Locust answers faults of its callers with 500 and their text as a page. */
function page(status: number, body: string): Reply {
  return { status, body, headers: { 'content-type': 'text/html; charset=utf-8' } }
}

function createLocust(state: LocustState) {
  function answer({ method, path, body, headers }: Call): Reply {
    switch (`${method} ${path}`) {
      case 'GET /':
        return page(200, renderPage())
      case 'GET /stats/requests':
        return ok(statsResponse())
      case 'GET /stats/requests/csv':
        return { status: 200, body: renderCsv(), headers: { 'content-type': 'text/csv' } }
      case 'GET /stop':
        state.stops++
        Object.assign(state, { state: 'stopped', users: 0 })
        return ok({ message: 'Test stopped', success: true })
      case 'POST /swarm':
        return swarm(String(body), String(headers['content-type']))
      default:
        return page(500, '404 Not Found: The requested URL was not found on the server.')
    }
  }

  function renderPage(): string {
    const { users, oldPage } = state
    const run = { state: state.state, user_count: users, run_time: null }
    const settings = { locustfile: 'locustfile.py', tasks: '{}', ...run }
    const script = JSON.stringify(settings).replaceAll('":', '": ')
    return `<!doctype html><title>Locust</title>${oldPage ? '' : `<script>window.templateArgs = ${script}</script>`}`
  }

  function swarm(text: string, type: string): Reply {
    const form = type === 'application/x-www-form-urlencoded' ? new URLSearchParams(text) : new URLSearchParams()
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
    const names = [...new Set(form.keys())]
    state.starts.push(
      Object.fromEntries(
        names.map((name) => {
          const values = form.getAll(name)
          return [name, values.length > 1 ? values : (values[0] ?? '')]
        }),
      ),
    )
    state.before = state.state
    // A start while another test runs changes that one.
    Object.assign(state, { state: 'spawning', users: Number(users), requests: 0, failures: 0, errors: [] })
    if (state.shape) return ok({ success: true, message: 'Swarming started using shape class', host })
    const echoed = time !== null && !state.old ? { run_time: Number.parseInt(time, 10) } : {}
    return ok({ success: true, message: 'Swarming started', host, ...echoed })
  }

  function statsResponse() {
    const { users, requests, failures, errors } = state
    const stale = state.stale > 0
    if (stale) state.stale--
    const rows = requests > 0 ? [csvRow('GET', '/'), csvRow('', 'Aggregated')] : [csvRow(null, 'Aggregated')]
    return {
      current_response_time_percentiles: { 'response_time_percentile_0.95': 26 },
      errors,
      fail_ratio: requests > 0 ? failures / requests : 0,
      state: stale ? state.before : state.state,
      stats: rows,
      total_avg_response_time: 23.96,
      total_fail_per_sec: 1.75,
      total_rps: requests > 0 ? 18.75 : 0,
      user_count: users,
    }
  }

  function csvRow(method: string | null, name: string) {
    const { requests: num_requests, failures: num_failures } = state
    const times = {
      avg_response_time: 23.96,
      median_response_time: 23,
      max_response_time: 38.0,
      min_response_time: 22.0,
    }
    return { method, name, safe_name: name, num_requests, num_failures, current_rps: 18.75, ...times }
  }

  function renderCsv(): string {
    const { requests, failures } = state
    const numbers = `${requests},${failures},23,23.96095082963088,21.937769000942353,37.520226000197,2.0,22.96118770390775,2.21`
    return [
      'Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%',
      `GET,"/,with a comma",${numbers},23,24,24,24,26,27,37,37,38,38,38`,
      `,Aggregated,${numbers},23,24,24,24,26,27,37,38,38,38,38`,
      '',
    ].join('\r\n')
  }

  return { answer }
}
