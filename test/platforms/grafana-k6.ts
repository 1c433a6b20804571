import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Status {
  type: string
  entered: string
  extra?: { by_user: string | null; message: string | null; code: number | null }
}

interface TestRun {
  id: number
  created: string
  ended: string | null
  note: string
  history: Status[]
  result: string | null
  details: { type: string; message?: string | null } | null
}

/** The state of the fake. Tests read and change it. */
interface GrafanaK6State {
  runs: TestRun[]
  /** Runs by idempotency key. The platform deletes a key after ten minutes. */
  keys: Map<string, number>
  mayEdit: boolean
  mayRun: boolean
  /** How the older API, of the metrics, answers. */
  metricsStatus: 200 | 403 | 503
  /** Responses by metric. A test without HTTP requests has none. */
  metrics: Record<string, number>
}

export interface GrafanaK6Server extends Served {
  token: string
  stackId: string
  state: GrafanaK6State
  /** The load test that there is. */
  test: string
  /** Takes the newest run to a state, a minute after the one before. */
  enter(type: string, more?: Partial<Pick<TestRun, 'result' | 'details'>> & { extra?: Status['extra'] }): void
}

const minute = 60_000
const test = 1234

/**
 * Grafana Cloud k6, as its OpenAPI document says (models of grafana/k6-cloud-openapi-client-go), and its page on metrics.
 *
 * @see https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/test-runs/
 */
export async function startGrafanaK6(): Promise<GrafanaK6Server> {
  const token = 'glsa_a-token-of-k6'
  const stackId = '4711'
  const state: GrafanaK6State = {
    runs: [],
    keys: new Map(),
    mayEdit: true,
    mayRun: true,
    metricsStatus: 200,
    metrics: {
      "query='increase',metric='http_reqs'": 1_200,
      "query='rate',metric='http_reqs'": 20.00004,
      "query='ratio',metric='http_req_failed'": 0.0125,
      "query='histogram_avg',metric='http_req_duration'": 110.5,
      "query='histogram_max',metric='http_req_duration'": 900,
      "query='histogram_quantile(0.5)',metric='http_req_duration'": 100,
      "query='histogram_quantile(0.9)',metric='http_req_duration'": 190,
      "query='histogram_quantile(0.95)',metric='http_req_duration'": 240,
      "query='histogram_quantile(0.99)',metric='http_req_duration'": 480,
    },
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`)
      return refused(401, 'invalid_token', 'Invalid token or authentication scheme.')
    if (call.headers['x-stack-id'] !== stackId)
      return refused(403, 'permission_denied', 'You do not have access to this stack.')
    return createGrafanaK6(state).answer(call)
  })
  return {
    ...served,
    token,
    stackId,
    state,
    test: String(test),
    enter(type, { result = null, details = null, extra } = {}) {
      const run = newestOf(state.runs)
      const entered = new Date(Date.parse(run.history.at(-1)?.entered ?? run.created) + minute).toISOString()
      run.history.push({ type, entered, ...(extra ? { extra } : {}) })
      const ended = type === 'completed' || type === 'aborted' ? entered : null
      Object.assign(run, { result, details, ended })
    },
  }
}

function refused(status: number, code: string, message: string): Reply {
  return { status, body: { error: { message, code, target: null, details: null } } }
}

function createGrafanaK6(state: GrafanaK6State) {
  function answer({ method, path, query, headers, body }: Call): Reply {
    if (`${method} ${path}` === 'GET /cloud/v6/load_tests') return ok({ value: [] })
    const [, loadTest, what] = /^\/cloud\/v6\/load_tests\/(\d+)\/(start|test_runs)$/.exec(path) ?? []
    if (loadTest !== undefined && Number(loadTest) !== test) return missing
    if (what === 'test_runs') return list(query)
    if (what === 'start' && method === 'POST') return start(headers['k6-idempotency-key']?.toString(), body)
    const [, id, action] = /^\/cloud\/v6\/test_runs\/(\d+)(\/abort)?$/.exec(path) ?? []
    const run = state.runs.find((one) => String(one.id) === id)
    if (run && method === 'PATCH') return edit(run, body as Record<string, unknown>)
    if (run && action && method === 'POST') return abort(run)
    if (run && !action && method === 'GET') return ok(toResponse(run))
    const [, measured, asked] = /^\/cloud\/v5\/test_runs\/(\d+)\/query_aggregate_k6\((.+)\)$/.exec(path) ?? []
    if (measured && asked) return readMetric(measured, asked)
    return missing
  }

  function start(key: string | undefined, body: unknown): Reply {
    if (!state.mayRun) return denied
    if (body !== undefined) return refused(400, 'validation_error', 'A body is not expected.')
    if (key !== undefined && (key.length < 1 || key.length > 36))
      return refused(400, 'validation_error', 'K6-Idempotency-Key must have 1 to 36 characters.')
    const known = state.runs.find(({ id }) => key !== undefined && id === state.keys.get(key))
    if (known) return ok(startResponse(known))
    const created = new Date().toISOString()
    const run: TestRun = {
      id: 5678 + state.runs.length,
      created,
      ended: null,
      note: '',
      history: [{ type: 'created', entered: created }],
      result: null,
      details: null,
    }
    state.runs.push(run)
    if (key !== undefined) state.keys.set(key, run.id)
    return ok(startResponse(run))
  }

  function list(query: URLSearchParams): Reply {
    const after = Date.parse(query.get('created_after') ?? '1970-01-01')
    const runs = state.runs.filter(({ created }) => Date.parse(created) >= after)
    if (query.get('$orderby') === 'created desc') runs.reverse()
    return ok({ value: runs.slice(0, Number(query.get('$top') ?? 1_000)).map((run) => toResponse(run)) })
  }

  function edit(run: TestRun, { note, ...others }: Record<string, unknown>): Reply {
    if (!state.mayEdit) return denied
    if (typeof note !== 'string' || Object.keys(others).length > 0)
      return refused(400, 'validation_error', 'The request is not valid.')
    run.note = note
    return { status: 204 }
  }

  function abort(run: TestRun): Reply {
    if (!state.mayRun) return denied
    if (run.ended || !run.history.some(({ type }) => type === 'running'))
      return refused(409, 'conflict', 'Cannot abort a non-running test.')
    const entered = new Date().toISOString()
    run.history.push({ type: 'aborted', entered, extra: { by_user: 'mia@example.com', message: null, code: null } })
    Object.assign(run, { result: 'error', ended: entered })
    return { status: 204 }
  }

  function readMetric(id: string, asked: string): Reply {
    if (state.metricsStatus === 403) return denied
    if (state.metricsStatus === 503) return { status: 503, body: '<html><title>Unavailable</title>' }
    const value = state.metrics[asked]
    const [, metric = ''] = /metric='([^']+)'/.exec(asked) ?? []
    const result =
      value === undefined ? [] : [{ metric: { __name__: metric, test_run_id: id }, values: [[1684950639, value]] }]
    return ok({ status: 'success', data: { resultType: 'vector', result } })
  }

  function startResponse(run: TestRun) {
    return { ...toResponse(run), test_run_details_page_url: `https://stack.grafana.net/a/k6-app/runs/${run.id}` }
  }

  function toResponse({ id, created, ended, note, history, result, details }: TestRun) {
    const now = history.at(-1)
    return {
      ...{ id, test_id: test, project_id: 12, started_by: null, created, ended, note },
      retention_expiry: '2027-07-01T19:30:30Z',
      cost: ended ? { total_vuh: '10.5', breakdown: { protocol_vuh: 10.5, browser_vuh: 0 } } : null,
      distribution: [{ load_zone: 'amazon:us:ashburn', percent: 100 }],
      options: { stages: [{ duration: '10m', target: 10 }] },
      result,
      result_details: details,
      status: now?.type,
      status_details: now,
      status_history: history,
      ...{ k6_dependencies: {}, k6_versions: {}, max_vus: 10, max_browser_vus: 0 },
      ...{ estimated_duration: 600, execution_duration: 0, is_starred: false },
    }
  }

  return { answer }
}

const missing = refused(404, 'not_found', 'Resource not found.')
const denied = refused(403, 'permission_denied', 'The user does not have permission to perform this action.')
