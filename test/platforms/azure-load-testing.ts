import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface TestRun {
  testRunId: string
  testId: string
  displayName: string
  description?: string
  environmentVariables?: Record<string, string>
  status: string
  testResult: string
  portalUrl: string
  [more: string]: unknown
}

/** The state of the fake. Tests read and change it. */
interface AzureLoadTestingState {
  tests: string[]
  runs: TestRun[]
  /** The tokens that Entra has given and that are still taken. */
  tokens: string[]
  /** How many tokens Entra has given. */
  given: number
  mayWrite: boolean
}

export interface AzureLoadTestingServer extends Served {
  tenantId: string
  clientId: string
  clientSecret: string
  state: AzureLoadTestingState
  /** Completes the last run. */
  finish(status: string, testResult?: string, more?: Record<string, unknown>): void
}

const ends = ['DONE', 'CANCELLED', 'FAILED', 'VALIDATION_FAILURE']
const scope = 'https://cnt-prod.loadtesting.azure.com/.default'

/**
 * The data plane of an Azure Load Testing resource (2026-04-01), and Microsoft Entra, which gives tokens for it.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/loadtesting/dataplane/load-test-run
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export async function startAzureLoadTesting(): Promise<AzureLoadTestingServer> {
  const tenantId = 'contoso.onmicrosoft.com'
  const clientId = '535fb089-9ff3-47b6-9bfb-4f1264799865'
  const clientSecret = 'a-client-secret-of-entra'
  const state: AzureLoadTestingState = {
    tests: ['12345678-1234-1234-1234-123456789012'],
    runs: [],
    tokens: [],
    given: 0,
    mayWrite: true,
  }
  const served = await serve((call) => {
    if (call.path.endsWith('/oauth2/v2.0/token')) return entra(call)
    const token = /^Bearer (.+)$/.exec(String(call.headers['authorization']))?.[1]
    if (!token || !state.tokens.includes(token)) return refused(401, 'Unauthorized', 'The token is not valid.')
    if (call.query.get('api-version') !== '2026-04-01')
      return refused(400, 'UnsupportedApiVersion', 'The HTTP resource is not of this api-version.')
    return answer(state, call)
  })

  const entra = ({ method, path, headers, body }: Call): Reply => {
    const form = new URLSearchParams(String(body))
    const asked = ['grant_type', 'client_id', 'scope'].map((name) => form.get(name))
    const known = JSON.stringify(asked) === JSON.stringify(['client_credentials', clientId, scope])
    const isForm = headers['content-type'] === 'application/x-www-form-urlencoded'
    if (method !== 'POST' || path !== `/${tenantId}/oauth2/v2.0/token` || !isForm || !known)
      return {
        status: 400,
        body: { error: 'invalid_request', error_description: 'AADSTS900144: The request is wrong.' },
      }
    if (form.get('client_secret') !== clientSecret)
      return {
        status: 401,
        body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' },
      }
    const token = `a-token-of-entra-${++state.given}`
    state.tokens.push(token)
    return ok({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token })
  }

  return {
    ...served,
    tenantId,
    clientId,
    clientSecret,
    state,
    finish(status, testResult = 'NOT_APPLICABLE', more = {}) {
      const run = newestOf(state.runs)
      Object.assign(run, { status, testResult, duration: 60_000, virtualUsers: 50, ...more })
    },
  }
}

function refused(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message, target: null, details: null } } }
}

function answer(state: AzureLoadTestingState, { method, path, headers, body }: Call): Reply {
  if (path === '/test-runs') return ok({ value: state.runs })
  const [, id = '', action] = /^\/test-runs\/([^/:]+)(?::(stop))?$/.exec(path) ?? []
  const run = state.runs.find(({ testRunId }) => testRunId === id)
  if (method !== 'GET' && !state.mayWrite)
    return refused(
      403,
      'Forbidden',
      'The principal is not authorized to perform this action: assign Load Test Contributor.',
    )
  if (method === 'PATCH') {
    if (headers['content-type'] !== 'application/merge-patch+json')
      return refused(415, 'UnsupportedMediaType', 'The content type must be application/merge-patch+json.')
    return patch(state, id, run, body as Partial<TestRun>)
  }
  if (!run) return refused(404, 'TestRunNotFound', `Test run couldn't find with given identifier ${id}`)
  if (action !== 'stop') return ok(run)
  if (ends.includes(run.status)) return refused(409, 'InvalidTestRunState', 'The test run is not running.')
  run.status = 'CANCELLING'
  return ok(run)
}

function patch(state: AzureLoadTestingState, id: string, run: TestRun | undefined, asked: Partial<TestRun>): Reply {
  if (!/^[a-z0-9_-]{2,50}$/.test(id)) return refused(400, 'InvalidTestRunId', 'The test run id is not valid.')
  if (run) {
    Object.assign(run, asked)
    return ok(run)
  }
  const { testId = '', displayName = '', environmentVariables = {} } = asked
  if (!state.tests.includes(testId))
    return refused(404, 'TestNotFound', `Test couldn't find with given identifier ${testId}`)
  if (displayName.length < 2 || displayName.length > 50)
    return refused(400, 'InvalidDisplayName', 'The display name must have from 2 to 50 characters.')
  if (Object.values(environmentVariables).some((value) => typeof value !== 'string'))
    return refused(400, 'InvalidRequest', 'Environment variables are text.')
  const fresh: TestRun = {
    ...{ testRunId: id, testId, displayName, environmentVariables, status: 'ACCEPTED', testResult: 'NOT_APPLICABLE' },
    ...{ portalUrl: `https://portal.azure.com/#blade/testRunId/${id}`, createdDateTime: '2026-01-01T10:00:00.000Z' },
    ...{ passFailCriteria: { passFailMetrics: {} }, testRunStatistics: null, duration: null, virtualUsers: null },
  }
  state.runs.push(fresh)
  return { status: 201, body: fresh }
}
