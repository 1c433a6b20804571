import { type Call, ok, type Reply, type Served, serve } from '../../../../infra/testing/loopback-server.ts'

interface Result {
  criteria: string
  status: string
  value?: number | null
  errorBudget?: number | null
  message?: string
}

interface Slo {
  id: string
  name: string
  criteria: { timeframeFrom: string; timeframeTo?: string; target: number; warning?: number }[]
}

/** The state of the fake. Tests read and change it. */
interface PlatformState {
  slos: Slo[]
  /** Results of the evaluation of an SLO, by id. */
  results: Record<string, Result[]>
  /** The number of status requests until an evaluation is complete. */
  takes: number
  ttlSeconds: number
  /** The evaluations, with what was asked and how many answers are left until the end. */
  evaluations: Map<string, { body: Record<string, unknown>; left: number }>
  /** The page size of the list. */
  pageSize: number
  /** Tokens that the OAuth server issued and did not revoke. */
  accessTokens: string[]
}

export interface PlatformServer extends Served {
  token: string
  clientId: string
  clientSecret: string
  tokenUrl: string
  state: PlatformState
  /** Changes the result of the first SLO. */
  find(...results: Result[]): void
}

export const account = '2b794097-8ad2-4b32-b923-0131da2eeddf'
const under = '/platform/slo/v1/slos'

/**
 * The SLO service of the Dynatrace platform, and its OAuth server.
 *
 * @see https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1
 * @see https://docs.dynatrace.com/docs/manage/identity-access-management/access-tokens-and-oauth-clients/oauth-clients
 */
export async function startDynatracePlatform(): Promise<PlatformServer> {
  const token = 'dt0s16.ABCDEFGH.0123456789ABCDEF'
  const clientId = 'dt0s02.ABCDEFGH'
  const clientSecret = 'dt0s02.ABCDEFGH.FEDCBA9876543210'
  const id = 'vu9U3hXa3q0AAAABABhhcHA'
  const state: PlatformState = {
    slos: [{ id, name: 'Checkout availability', criteria: [{ timeframeFrom: 'now-7d', target: 99.5, warning: 99.9 }] }],
    results: { [id]: [{ criteria: 'now-7d - now', status: 'SUCCESS', value: 99.95, errorBudget: 0.45 }] },
    takes: 0,
    ttlSeconds: 300,
    evaluations: new Map(),
    pageSize: 100,
    accessTokens: [],
  }
  const oauth = ({ method, body }: Call): Reply => {
    const form = new URLSearchParams(String(body))
    const asked = [form.get('grant_type'), form.get('resource'), form.get('scope')].join(' ')
    if (method !== 'POST' || asked !== `client_credentials urn:dtaccount:${account} slo:slos:read`)
      return { status: 400, body: { error: 'invalid_request', error_description: `not ${asked}` } }
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret)
      return { status: 401, body: { error: 'invalid_client', error_description: 'The client is not known' } }
    const given = `an-access-token-of-dynatrace-${state.accessTokens.length}`
    state.accessTokens.push(given)
    return ok({ access_token: given, token_type: 'Bearer', expires_in: 300, scope: 'slo:slos:read' })
  }
  const served = await serve((call) => {
    if (call.path === '/sso/oauth2/token') return oauth(call)
    const bearer = /^Bearer (.+)$/.exec(String(call.headers['authorization']))?.[1] ?? ''
    if (bearer !== token && !state.accessTokens.includes(bearer)) return refused(401, `Unauthorized: ${bearer}`)
    return answer(state, call)
  })
  return {
    ...served,
    token,
    clientId,
    clientSecret,
    state,
    tokenUrl: `${served.url}/sso/oauth2/token`,
    find(...results) {
      state.results[id] = results
    },
  }
}

function refused(code: number, message: string, details: object = {}): Reply {
  return { status: code, body: { error: { code, message, details } } }
}

function answer(state: PlatformState, { method, path, query, body }: Call): Reply {
  const at = `${method} ${path}`
  if (at === `GET ${under}`) return list(state, query)
  if (at === `POST ${under}/evaluation:start`) return start(state, body as Record<string, unknown>)
  if (at === `GET ${under}/evaluation:poll`) return seen(state, query.get('evaluation-token') ?? '', 200)
  return refused(404, 'Not found')
}

function list({ slos, pageSize }: PlatformState, query: URLSearchParams): Reply {
  const key = query.get('page-key')
  if (key !== null && query.get('page-size') !== null)
    return refused(400, 'page-size must not be sent together with page-key')
  const from = Number(key ?? 0)
  const page = slos.slice(from, from + pageSize)
  const more = from + pageSize < slos.length ? { nextPageKey: String(from + pageSize) } : {}
  return ok({ slos: page, totalCount: slos.length, ...more })
}

function start(state: PlatformState, body: Record<string, unknown>): Reply {
  const { id, customTimeframe, requestTimeoutMilliseconds, ...others } = body
  const unknown = Object.keys(others)
  if (unknown.length > 0) {
    const constraintViolations = [{ path: unknown[0], message: 'is not known' }]
    return refused(400, 'Constraints violated', { constraintViolations })
  }
  const { timeframeFrom, timeframeTo } = (customTimeframe ?? {}) as Record<string, string>
  if (
    !(Date.parse(timeframeFrom ?? '') < Date.parse(timeframeTo ?? '')) ||
    typeof requestTimeoutMilliseconds !== 'number'
  )
    return refused(400, 'The timeframe is not valid')
  if (!state.slos.some((slo) => slo.id === id)) return refused(404, 'SLO not found')
  const token = `FQ5aVZERXZNMjR1SzVnPT0ifQ==${state.evaluations.size}`
  state.evaluations.set(token, { body, left: state.takes })
  return seen(state, token, 202)
}

function seen({ evaluations, slos, results, ttlSeconds }: PlatformState, token: string, unfinished: number): Reply {
  const evaluation = evaluations.get(token)
  if (!evaluation) return refused(410, 'The evaluation token is expired or invalid')
  if (evaluation.left > 0) {
    evaluation.left--
    return { status: unfinished, body: { evaluationToken: token, ttlSeconds } }
  }
  evaluations.delete(token)
  const definition = slos.find(({ id }) => id === evaluation.body['id'])
  const evaluationResults = results[String(evaluation.body['id'])] ?? []
  return ok({ definition, evaluationResults, metadata: { evaluatedSliQuery: 'timeseries sli=avg(..)' } })
}
