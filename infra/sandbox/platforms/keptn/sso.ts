import { randomBytes } from 'node:crypto'
import { demo } from '../sandbox/demo.ts'
import { type FakeCall, type FakeReply, json, mediaType, type Platform } from '../sandbox/http.ts'
import type { Collection, Store } from '../sandbox/store.ts'

const scopes = ['cloudautomation:events:write', 'cloudautomation:events:read', 'cloudautomation:metadata:read']

export interface Sso extends Platform {
  /** How long a token lives from now on; the real one says 300. */
  tokenSeconds: number
  /** Makes every token that is out there invalid, as a rotated client secret or a restarted SSO does. */
  revokeTokens(): void
  /** Returns the scopes of a valid token. */
  scopesOf(token: string): string[] | undefined
}

interface Token {
  token: string
  scope: string
  /** Epoch milliseconds. */
  expiresAt: number
}

/**
 * Fakes the token endpoint of Dynatrace SaaS for Cloud Automation: client credentials in
 * a form body (RFC 6749 §4.4), errors as in §5.2. The scopes are those of the protocol's "Sending events
 * back". A request without `cloudautomation:events:write` is rejected, because a receiver could not use the token.
 */
export function createSso(store: Store): Sso {
  const tokens = store.collection<Token>('keptn.tokens')
  const sso: Sso = {
    tokenSeconds: 300,
    revokeTokens() {
      for (const { token } of tokens.list()) tokens.delete(token)
    },

    scopesOf(token) {
      const issued = tokens.get(token)
      return issued && issued.expiresAt > Date.now() ? issued.scope.split(' ') : undefined
    },

    error: (status, message) => json(status, { error: codes[status] ?? 'server_error', error_description: message }),

    answer(call) {
      if (call.path !== '/oauth2/token') return sso.error(404, 'There is only /oauth2/token here.')
      if (call.method !== 'POST') return { ...sso.error(405, 'Use POST.'), headers: { allow: 'POST' } }
      return issue(tokens, sso, call)
    },
  }
  return sso
}

const codes: Record<number, string> = {
  400: 'invalid_request',
  401: 'invalid_client',
  404: 'not_found',
  405: 'invalid_request',
  429: 'temporarily_unavailable',
  503: 'temporarily_unavailable',
}

function issue(tokens: Collection<Token>, sso: Sso, call: FakeCall): FakeReply {
  const refuse = (status: number, error: string, error_description: string) =>
    json(status, { error, error_description }, { 'cache-control': 'no-store' }, error)

  if (mediaType(call.headers) !== 'application/x-www-form-urlencoded') {
    return refuse(400, 'invalid_request', 'Send the parameters as application/x-www-form-urlencoded.')
  }
  const form = new URLSearchParams(call.body)
  if (form.get('grant_type') !== 'client_credentials') {
    return refuse(400, 'unsupported_grant_type', 'grant_type must be client_credentials.')
  }
  if (form.get('client_id') !== demo.oauth.clientId || form.get('client_secret') !== demo.oauth.clientSecret) {
    return refuse(401, 'invalid_client', 'Unknown client or wrong client secret.')
  }
  const asked = (form.get('scope') ?? '').split(' ').filter(Boolean)
  const unknown = asked.find((scope) => !scopes.includes(scope))
  if (unknown) return refuse(400, 'invalid_scope', `The client may not ask for the scope ${unknown}.`)
  if (!asked.includes('cloudautomation:events:write')) {
    return refuse(400, 'invalid_scope', 'The scope must include cloudautomation:events:write.')
  }

  const token = `sandbox-sso.${randomBytes(24).toString('base64url')}`
  const scope = asked.join(' ')
  tokens.put(token, { token, scope, expiresAt: Date.now() + sso.tokenSeconds * 1000 })
  const granted = { access_token: token, token_type: 'Bearer', expires_in: sso.tokenSeconds, scope }
  return json(200, granted, { 'cache-control': 'no-store' }, 'token issued')
}
