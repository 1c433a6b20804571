import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

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

export type GrafanaK6Server = Awaited<ReturnType<typeof startGrafanaK6>>
type State = ReturnType<typeof initial>

const TOKEN = 'glsa_a-token-of-k6'
const STACK_ID = '4711'
const TEST = 1234
const MINUTE_MS = 60_000
const DENIED = refused(403, 'permission_denied', 'The user does not have permission to perform this action.')
const checkToken = requireHeader(
  'authorization',
  `Bearer ${TOKEN}`,
  refused(401, 'invalid_token', 'Invalid token or authentication scheme.'),
)
const checkStack = requireHeader(
  'x-stack-id',
  STACK_ID,
  refused(403, 'permission_denied', 'You do not have access to this stack.'),
)

const initial = () => ({
  runs: [] as TestRun[],
  /** Runs by idempotency key. The platform deletes a key after ten minutes. */
  keys: new Map<string, number>(),
  mayEdit: true,
  mayRun: true,
  /** The status of the responses with metrics, which come from an older API. */
  metricsStatus: 200 as 200 | 403 | 503,
  /** The values by metric. A test without HTTP requests has none. */
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
  } as Record<string, number>,
})

/**
 * A fake of Grafana Cloud k6. It follows the OpenAPI document (models of grafana/k6-cloud-openapi-client-go) and the
 * documentation of the metrics.
 *
 * @see https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/test-runs/
 */
export const startGrafanaK6 = definePlatform({
  base: '/cloud',
  state: initial,
  refuses: (call) => checkToken(call) ?? checkStack(call),
  routes: {
    'GET /v6/load_tests': () => ({ value: [] }),
    'GET /v6/load_tests/1234/test_runs': ({ state, query }) => list(state, query),
    'POST /v6/load_tests/1234/start': ({ state, headers, text }) =>
      start(state, text, headers['k6-idempotency-key']?.toString()),
    'GET /v6/test_runs/{id}': ({ state, params }) => {
      const run = findRun(state, params.id)
      return run && toResponse(run)
    },
    'PATCH /v6/test_runs/{id}': ({ state, params, body }) => {
      const run = findRun(state, params.id)
      if (!run) return undefined
      const { note, ...others } = body
      if (!state.mayEdit) return DENIED
      if (typeof note !== 'string' || Object.keys(others).length > 0)
        return refused(400, 'validation_error', 'The request is not valid.')
      run.note = note
      return { status: 204 }
    },
    'POST /v6/test_runs/{id}/abort': ({ state, params }) => {
      const run = findRun(state, params.id)
      return run && abort(state, run)
    },
    'GET /v5/test_runs/{id}/query_aggregate_k6({query})': ({ state, params }) =>
      readMetric(state, params.id, params.query),
  },
  notFound: refused(404, 'not_found', 'Resource not found.'),
  members: ({ runs }) => ({
    token: TOKEN,
    stackId: STACK_ID,
    /** The existing load test. */
    test: String(TEST),
    /** Puts the newest run to a status, a minute after its previous status. */
    enter(type: string, fields: Partial<Pick<TestRun, 'result' | 'details'>> & Pick<Status, 'extra'> = {}) {
      const { result = null, details = null, extra } = fields
      const run = newestOf(runs)
      const entered = new Date(Date.parse(run.history.at(-1)?.entered ?? run.created) + MINUTE_MS).toISOString()
      run.history.push({ type, entered, ...(extra ? { extra } : {}) })
      const ended = type === 'completed' || type === 'aborted' ? entered : null
      Object.assign(run, { result, details, ended })
    },
  }),
})

function refused(status: number, code: string, message: string): Reply {
  return { status, body: { error: { message, code, target: null, details: null } } }
}

function findRun({ runs }: State, id: string): TestRun | undefined {
  return runs.find((run) => String(run.id) === id)
}

function start({ runs, keys, mayRun }: State, text: string, key?: string): object {
  if (!mayRun) return DENIED
  if (text !== '') return refused(400, 'validation_error', 'A body is not expected.')
  if (key !== undefined && (key.length < 1 || key.length > 36))
    return refused(400, 'validation_error', 'K6-Idempotency-Key must have 1 to 36 characters.')
  const earlier = runs.find(({ id }) => key !== undefined && id === keys.get(key))
  if (earlier) return startResponse(earlier)
  const created = new Date().toISOString()
  const run: TestRun = {
    id: 5678 + runs.length,
    created,
    ended: null,
    note: '',
    history: [{ type: 'created', entered: created }],
    result: null,
    details: null,
  }
  runs.push(run)
  if (key !== undefined) keys.set(key, run.id)
  return startResponse(run)
}

function list({ runs }: State, query: URLSearchParams) {
  const after = Date.parse(query.get('created_after') ?? '1970-01-01')
  const found = runs.filter(({ created }) => Date.parse(created) >= after)
  if (query.get('$orderby') === 'created desc') found.reverse()
  return { value: found.slice(0, Number(query.get('$top') ?? 1_000)).map(toResponse) }
}

function abort({ mayRun }: State, run: TestRun): Reply {
  if (!mayRun) return DENIED
  if (run.ended || !run.history.some(({ type }) => type === 'running'))
    return refused(409, 'conflict', 'Cannot abort a non-running test.')
  const entered = new Date().toISOString()
  run.history.push({ type: 'aborted', entered, extra: { by_user: 'mia@example.com', message: null, code: null } })
  Object.assign(run, { result: 'error', ended: entered })
  return { status: 204 }
}

function readMetric({ metrics, metricsStatus }: State, id: string, query: string): object {
  if (metricsStatus === 403) return DENIED
  if (metricsStatus === 503) return { status: 503, body: '<html><title>Unavailable</title>' }
  const value = metrics[query]
  const [, metric = ''] = /metric='([^']+)'/.exec(query) ?? []
  const result =
    value === undefined ? [] : [{ metric: { __name__: metric, test_run_id: id }, values: [[1684950639, value]] }]
  return { status: 'success', data: { resultType: 'vector', result } }
}

function startResponse(run: TestRun) {
  return { ...toResponse(run), test_run_details_page_url: `https://stack.grafana.net/a/k6-app/runs/${run.id}` }
}

function toResponse({ id, created, ended, note, history, result, details }: TestRun) {
  const status = history.at(-1)
  return {
    id,
    test_id: TEST,
    project_id: 12,
    started_by: null,
    created,
    ended,
    note,
    retention_expiry: '2027-07-01T19:30:30Z',
    cost: ended ? { total_vuh: '10.5', breakdown: { protocol_vuh: 10.5, browser_vuh: 0 } } : null,
    distribution: [{ load_zone: 'amazon:us:ashburn', percent: 100 }],
    options: { stages: [{ duration: '10m', target: 10 }] },
    result,
    result_details: details,
    status: status?.type,
    status_details: status,
    status_history: history,
    k6_dependencies: {},
    k6_versions: {},
    max_vus: 10,
    max_browser_vus: 0,
    estimated_duration: 600,
    execution_duration: 0,
    is_starred: false,
  }
}

export const jobRow = {
  stopsLate: true,
  starts: /^POST .*\/start$/,
  start: startWith(startGrafanaK6, (server) => {
    const { url: baseUrl, token, stackId, test: target, state } = server
    const fault = { by_user: null, message: 'Validation error', code: 123 }
    const enter = (name: string) => {
      const [type = '', result = null] = name.split('/')
      server.enter(type, { result, ...(result === 'error' ? { extra: fault } : {}) })
    }
    return {
      connection: { baseUrl, token, stackId },
      input: { target },
      ...runsIn(() => state.runs.map((run) => [run.id, run.history.at(-1)?.type === 'aborted'])),
      ...stages(enter, 'running', 'completed/passed'),
    }
  }),
} satisfies JobRow
