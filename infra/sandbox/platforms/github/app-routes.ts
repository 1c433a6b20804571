import type { KeyObject } from 'node:crypto'
import { isRecord } from '../../../../shared/record.ts'
import type { Call, Reply } from '../../../testing/loopback-server.ts'
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

/** Answers the requests of a GitHub App. */
export function answerApp(
  state: AppState,
  { method, path, query, headers, body }: Pick<Call, 'method' | 'path' | 'query' | 'headers' | 'body'>,
): Reply {
  const token = /^Bearer (.+)$/.exec(String(headers['authorization']))?.[1] ?? ''
  const route = `${method} ${path}`
  const given = isRecord(body) ? body : {}
  if (/^\/app(\/|$)/.test(path) || path.endsWith('/installation'))
    return isAppToken(token, state.appIds, state.publicKey())
      ? asApp(state, route, query, given)
      : error(401, 'Bad credentials')
  const issued = state.tokens.get(token)
  if (!issued || issued.expiresAt <= Date.now()) return error(401, 'Bad credentials')
  const [, repository = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)\/(.+)$/.exec(path) ?? []
  const mayNot = (permission: string, access: string) =>
    ![access, 'write'].includes(issued.permissions[permission] ?? '')
  const [, runId, kind] = /^actions\/runs\/(\d+)\/(\w+)$/.exec(rest) ?? []
  if (runId !== undefined) {
    const isReview = kind === 'deployment_protection_rule'
    if (isReview ? mayNot('deployments', 'write') : mayNot('actions', 'read')) return inaccessible()
    return answerRun(state, state.run(repository, Number(runId)), `${method} ${kind}`, given)
  }
  if (mayNot('checks', 'write')) return inaccessible()
  if (`${method} ${rest}` === 'POST check-runs') return makeCheck(state, given)
  const [, checkId] = /^check-runs\/(\d+)$/.exec(rest) ?? []
  if (method === 'PATCH' && checkId !== undefined) return updateCheck(state, Number(checkId), given)
  const [, sha] = /^commits\/([^/]+)\/check-runs$/.exec(rest) ?? []
  if (method === 'GET' && sha !== undefined) return listChecks(state, sha, query)
  return error(404, 'Not Found')
}

function asApp(state: AppState, route: string, query: URLSearchParams, given: Record<string, unknown>): Reply {
  if (route === 'GET /app')
    return ok({ id: 1, slug: 'webhooks', name: 'Webhooks', permissions: state.permissions, events: state.events })
  if (route === 'GET /app/hook/config') return ok({ ...state.hook, secret: '********' })
  if (route === 'GET /app/hook/deliveries') return listDeliveries(state, query)
  const [, delivery] = /^POST \/app\/hook\/deliveries\/(\d+)\/attempts$/.exec(route) ?? []
  if (delivery !== undefined) {
    const found = state.deliveries.find(({ id }) => id === Number(delivery))
    if (!found) return error(404, 'Not Found')
    state.redeliver(found)
    return { status: 202, body: {} }
  }
  if (!state.isInstalled) return error(404, 'Not Found')
  if (/^GET \/repos\/[^/]+\/[^/]+\/installation$/.test(route)) return ok({ id: INSTALLATION_ID })
  if (route === `POST /app/installations/${INSTALLATION_ID}/access_tokens`) return issueToken(state, given)
  return error(404, 'Not Found')
}

function issueToken(
  state: AppState,
  { permissions: asked, repository_ids: ids, repositories }: Record<string, unknown>,
) {
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
function listDeliveries({ deliveries }: AppState, query: URLSearchParams): Reply {
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

function answerRun(state: AppState, run: WaitingRun | undefined, route: string, given: object): Reply {
  if (!run) return error(404, 'Not Found')
  if (route === 'GET pending_deployments') return ok(pendingDeployments(run))
  if (route === 'GET approvals') return ok(approvals(run, `${state.appIds[0]}[bot]`))
  if (route !== 'POST deployment_protection_rule') return error(404, 'Not Found')
  const refusal = review(run, given)
  return refusal === undefined ? { status: 204 } : error(422, refusal)
}

function ok(body: unknown): Reply {
  return { status: 200, body }
}

function inaccessible(): Reply {
  return error(403, 'Resource not accessible by integration')
}

function error(status: number, message: string): Reply {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } }
}
