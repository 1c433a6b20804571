import type { KeyObject } from 'node:crypto'
import { isRecord } from '../../../../shared/record.ts'
import type { Call, Reply } from '../../../testing/loopback-server.ts'
import { routeTable } from '../../../testing/route-table.ts'
import { isAppToken } from './app-token.ts'
import { type CheckRun, listChecks, makeCheck, updateCheck } from './checks.ts'
import {
  approvals,
  INSTALLATION_ID,
  pendingDeployments,
  REPOSITORY_ID,
  review,
  type WaitingRun,
} from './deployments.ts'

/** A delivery to the webhook of the App, as GitHub lists it. */
interface HookDelivery {
  id: number
  guid: string
  delivered_at: string
  redelivery: boolean
  status_code: number
  event: string
  action: string | null
}

export interface AppState {
  appIds: string[]
  publicKey: () => KeyObject
  /** The permissions and events of the App. */
  permissions: Record<string, string>
  events: string[]
  hook: { url: string; content_type: string }
  isInstalled: boolean
  /** Returns a run of a repository. */
  run(repository: string, id: number): WaitingRun | undefined
  checks: CheckRun[]
  commits: string[]
  deliveries: HookDelivery[]
  /** Sends a delivery again. */
  redeliver(delivery: HookDelivery): void
  /** The issued tokens with their permissions. */
  tokens: Map<string, { permissions: Record<string, string>; expiresAt: number }>
}

const TOKEN_MS = 3_600_000

interface AppCall {
  state: AppState
  token: string
  query: URLSearchParams
  body: Record<string, unknown>
}
type RunCall = AppCall & { params: { owner: string; repo: string; run: string } }

const route = routeTable<AppCall, Reply>()({
  'GET /app': asApp(({ state: { permissions, events } }) =>
    ok({ id: 1, slug: 'webhooks', name: 'Webhooks', permissions, events }),
  ),
  'GET /app/hook/config': asApp(({ state }) => ok({ ...state.hook, secret: '********' })),
  'GET /app/hook/deliveries': asApp(listDeliveries),
  'POST /app/hook/deliveries/{id}/attempts': asApp(redeliver),
  'GET /repos/{owner}/{repo}/installation': asApp(({ state }) =>
    state.isInstalled ? ok({ id: INSTALLATION_ID }) : notFound(),
  ),
  'POST /app/installations/{id}/access_tokens': asApp((call: AppCall & { params: { id: string } }) =>
    call.state.isInstalled && call.params.id === String(INSTALLATION_ID) ? issueToken(call) : notFound(),
  ),
  'GET /repos/{owner}/{repo}/actions/runs/{run}/pending_deployments': may(
    'actions: read',
    withRun((run) => ok(pendingDeployments(run))),
  ),
  'GET /repos/{owner}/{repo}/actions/runs/{run}/approvals': may(
    'actions: read',
    withRun((run, { appIds }) => ok(approvals(run, `${appIds[0]}[bot]`))),
  ),
  'POST /repos/{owner}/{repo}/actions/runs/{run}/deployment_protection_rule': may(
    'deployments: write',
    withRun((run, _, body) => {
      const refusal = review(run, body)
      return refusal === undefined ? { status: 204 } : error(422, refusal)
    }),
  ),
  'POST /repos/{owner}/{repo}/check-runs': may('checks: write', ({ state, body }) => makeCheck(state, body)),
  'PATCH /repos/{owner}/{repo}/check-runs/{id}': may(
    'checks: write',
    ({ state, body, params }: AppCall & { params: { id: string } }) => updateCheck(state, Number(params.id), body),
  ),
  'GET /repos/{owner}/{repo}/commits/{sha}/check-runs': may(
    'checks: write',
    ({ state, query, params }: AppCall & { params: { sha: string } }) => listChecks(state, params.sha, query),
  ),
})

/** Answers the requests of a GitHub App. */
export function answerApp(
  state: AppState,
  request: Pick<Call, 'method' | 'encodedPath' | 'query' | 'headers' | 'body'>,
): Reply {
  const { method, encodedPath, query, headers } = request
  const token = /^Bearer (.+)$/.exec(String(headers['authorization']))?.[1] ?? ''
  const body = isRecord(request.body) ? request.body : {}
  return route(`${method} ${encodedPath}`, { state, token, query, body }) ?? notFound()
}

/** Returns a route of the App itself. */
function asApp<C extends AppCall>(then: (call: C) => Reply) {
  return (call: C): Reply =>
    isAppToken(call.token, call.state.appIds, call.state.publicKey()) ? then(call) : error(401, 'Bad credentials')
}

/** Returns a route of its installation, whose token needs a permission, such as `checks: write`. */
function may<C extends AppCall>(permission: string, then: (call: C) => Reply) {
  const [name = '', access = ''] = permission.split(': ')
  return (call: C): Reply => {
    const issued = call.state.tokens.get(call.token)
    if (!issued || issued.expiresAt <= Date.now()) return error(401, 'Bad credentials')
    const isPermitted = [access, 'write'].includes(issued.permissions[name] ?? '')
    return isPermitted ? then(call) : error(403, 'Resource not accessible by integration')
  }
}

function withRun(then: (run: WaitingRun, state: AppState, body: object) => Reply) {
  return ({ state, body, params: { owner, repo, run: id } }: RunCall): Reply => {
    const run = state.run(`${owner}/${repo}`, Number(id))
    return run ? then(run, state, body) : notFound()
  }
}

function redeliver({ state, params }: AppCall & { params: { id: string } }): Reply {
  const found = state.deliveries.find(({ id }) => id === Number(params.id))
  if (!found) return notFound()
  state.redeliver(found)
  return { status: 202, body: {} }
}

function issueToken({ state, body }: AppCall): Reply {
  const { permissions: asked, repository_ids: ids, repositories } = body
  const permissions = isRecord(asked) ? (asked as Record<string, string>) : state.permissions
  const missing = Object.entries(permissions).some(
    ([name, access]) => ![access, 'write'].includes(state.permissions[name] ?? ''),
  )
  if (missing) return error(422, 'The permissions requested are not granted to this installation.')
  const knows = ids === undefined ? Array.isArray(repositories) : String(ids) === String(REPOSITORY_ID)
  if (!knows) return error(422, 'There is at least one repository that does not exist or is not accessible')
  const token = `ghs_${state.tokens.size}AbCdEfGhIjKlMnOpQrStUvWxYz0123456789`
  const expiresAt = Date.now() + TOKEN_MS
  state.tokens.set(token, { permissions, expiresAt })
  return { status: 201, body: { token, expires_at: new Date(expiresAt).toISOString(), permissions } }
}

/** The newest first. The cursor is the id of the last delivery of the page before. */
function listDeliveries({ state: { deliveries }, query }: AppCall): Reply {
  const size = Number(query.get('per_page') ?? 30)
  const before = Number(query.get('cursor') ?? Number.POSITIVE_INFINITY)
  const found = [...deliveries].reverse().filter(({ id }) => id < before)
  const page = found.slice(0, size)
  const link = `<https://api.github.com/app/hook/deliveries?per_page=${size}&cursor=${page.at(-1)?.id}>; rel="next"`
  const body = page.map((one) => ({
    ...one,
    duration: 0.1,
    installation_id: INSTALLATION_ID,
    repository_id: REPOSITORY_ID,
    status: one.status_code === 0 ? 'failed to connect' : one.status_code < 300 ? 'OK' : 'Invalid HTTP Response',
  }))
  return { status: 200, body, ...(found.length > size ? { headers: { link } } : {}) }
}

function ok(body: unknown): Reply {
  return { status: 200, body }
}

function notFound(): Reply {
  return error(404, 'Not Found')
}

function error(status: number, message: string): Reply {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } }
}
