import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { type Call, newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, stages, startWith, stopsWhenAsked } from '../../../conformance/row.ts'

interface TestRun {
  testRunId: string
  testId: string
  displayName: string
  description?: string
  environmentVariables?: Record<string, string>
  status: string
  testResult: string
  portalUrl: string
  [field: string]: unknown
}

export type AzureLoadTestingServer = Awaited<ReturnType<typeof startAzureLoadTesting>>

type State = ReturnType<typeof initial>

const TENANT = 'contoso.onmicrosoft.com'
const CLIENT_ID = '535fb089-9ff3-47b6-9bfb-4f1264799865'
const CLIENT_SECRET = 'a-client-secret-of-entra'
const SCOPE = 'https://cnt-prod.loadtesting.azure.com/.default'
const ENDED = ['DONE', 'CANCELLED', 'FAILED', 'VALIDATION_FAILURE']

const initial = () => ({
  tests: ['12345678-1234-1234-1234-123456789012'],
  runs: [] as TestRun[],
  /** The valid tokens of Entra. */
  tokens: [] as string[],
  /** Number of tokens that Entra has issued. */
  given: 0,
  mayWrite: true,
})

/**
 * The data plane of an Azure Load Testing resource (2026-04-01), and Microsoft Entra, which issues tokens for it.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/loadtesting/dataplane/load-test-run
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
const startAzureLoadTesting = definePlatform({
  state: initial,
  refuses(call, state) {
    if (call.path.endsWith('/oauth2/v2.0/token')) return issueToken(state, call)
    if (!state.tokens.includes(String(call.headers['authorization']).replace('Bearer ', '')))
      return refusal(401, 'Unauthorized', 'The token is not valid.')
    if (call.query.get('api-version') !== '2026-04-01')
      return refusal(400, 'UnsupportedApiVersion', 'The HTTP resource is not of this api-version.')
    if (call.method === 'GET' || state.mayWrite) return undefined
    const message = 'The principal is not authorized to perform this action: assign Load Test Contributor.'
    return refusal(403, 'Forbidden', message)
  },
  routes: {
    'GET /test-runs': ({ state }) => ({ value: state.runs }),
    'GET /test-runs/{id}': ({ state, params }) => find(state, params.id),
    'PATCH /test-runs/{id}': ({ state, params, headers, body }) =>
      headers['content-type'] === 'application/merge-patch+json'
        ? patch(state, params.id, body)
        : refusal(415, 'UnsupportedMediaType', 'The content type must be application/merge-patch+json.'),
    'POST /test-runs/{id}:stop': ({ state, params }) => {
      const run = find(state, params.id)
      if (run && ENDED.includes(run.status)) return refusal(409, 'InvalidTestRunState', 'The test run is not running.')
      return run && Object.assign(run, { status: 'CANCELLING' })
    },
  },
  notFound: ({ path }) => {
    const [, , id] = path.split(/[/:]/)
    return refusal(404, 'TestRunNotFound', `Test run couldn't find with given identifier ${id}`)
  },
  members: ({ runs }) => ({
    tenantId: TENANT,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    /** Completes the newest run. */
    finish(status: string, testResult = 'NOT_APPLICABLE', fields: object = {}) {
      const times = { startDateTime: '2026-01-01T10:05:00.125Z', endDateTime: '2026-01-01T10:06:00.125Z' }
      Object.assign(newestOf(runs), { status, testResult, ...times, duration: 60_000, virtualUsers: 50, ...fields })
    },
  }),
})

function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message, target: null, details: null } } }
}

function issueToken(state: State, { method, path, headers, text }: Call): Reply {
  const form = new URLSearchParams(text)
  const isValid =
    method === 'POST' &&
    path === `/${TENANT}/oauth2/v2.0/token` &&
    headers['content-type'] === 'application/x-www-form-urlencoded' &&
    form.get('grant_type') === 'client_credentials' &&
    form.get('client_id') === CLIENT_ID &&
    form.get('scope') === SCOPE
  if (!isValid)
    return { status: 400, body: { error: 'invalid_request', error_description: 'AADSTS900144: The request is wrong.' } }
  if (form.get('client_secret') !== CLIENT_SECRET)
    return {
      status: 401,
      body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' },
    }
  const token = `a-token-of-entra-${++state.given}`
  state.tokens.push(token)
  const body = { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token }
  return { status: 200, body }
}

function find({ runs }: State, id: string): TestRun | undefined {
  return runs.find(({ testRunId }) => testRunId === id)
}

function patch(state: State, id: string, fields: Partial<TestRun>): object | Reply {
  if (!/^[a-z0-9_-]{2,50}$/.test(id)) return refusal(400, 'InvalidTestRunId', 'The test run id is not valid.')
  const existing = find(state, id)
  if (existing) return Object.assign(existing, fields)
  const { testId = '', displayName = '', environmentVariables = {} } = fields
  if (!state.tests.includes(testId))
    return refusal(404, 'TestNotFound', `Test couldn't find with given identifier ${testId}`)
  if (displayName.length < 2 || displayName.length > 50)
    return refusal(400, 'InvalidDisplayName', 'The display name must have from 2 to 50 characters.')
  if (Object.values(environmentVariables).some((value) => typeof value !== 'string'))
    return refusal(400, 'InvalidRequest', 'Environment variables are text.')
  const run: TestRun = {
    testRunId: id,
    testId,
    displayName,
    environmentVariables,
    status: 'ACCEPTED',
    testResult: 'NOT_APPLICABLE',
    portalUrl: `https://portal.azure.com/#blade/testRunId/${id}`,
    createdDateTime: '2026-01-01T10:00:00.000Z',
    passFailCriteria: { passFailMetrics: {} },
    testRunStatistics: null,
    duration: null,
    virtualUsers: null,
  }
  state.runs.push(run)
  return { status: 201, body: run }
}

export const jobRow = {
  starts: /^PATCH /,
  start: startWith(startAzureLoadTesting, ({ url, tenantId, clientId, clientSecret, state, finish }) => {
    const enter = (name: string) => {
      const [status = '', testResult] = name.split('/')
      finish(status, testResult)
    }
    return {
      connection: { baseUrl: url, loginUrl: url, tenantId, clientId, clientSecret },
      input: { target: state.tests[0] },
      runs: () => state.runs.length,
      id: () => String(state.runs.at(-1)?.testRunId),
      ...stages(enter, 'EXECUTING', 'DONE/PASSED'),
      finishStop: stopsWhenAsked(enter, () => state.runs.at(-1)?.status, 'CANCELLING', 'CANCELLED'),
    }
  }),
} satisfies JobRow
