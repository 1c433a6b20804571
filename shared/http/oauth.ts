import * as z from 'zod/mini'
import { isRecord } from '../record.ts'
import { basicAuth } from './basic-auth.ts'
import { Http } from './client.ts'
import type { Authorization, SignInOptions } from './options.ts'
import { TokenCache } from './token-cache.ts'

/** A client for the client credentials grant of OAuth 2. */
export interface OAuthClient {
  tokenUrl: string
  clientId: string
  clientSecret: string
  scope: string
  resource?: string | undefined
  /** Sends the id and the secret in a Basic header instead of the form. */
  usesBasicAuth?: boolean
}

const tokens = new TokenCache(30_000)

const tokenResponse = z.object({
  access_token: z.string().check(z.minLength(1)),
  expires_in: z._default(z.coerce.number(), 60),
})

/**
 * Returns an authorization by the OAuth client credentials grant. Tokens are cached until shortly before they expire.
 *
 * @param ca PEM of a certificate authority to trust in addition to the public ones
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 * @example
 * authorization: ({ clientId, clientSecret }, ca) =>
 *   oauthAuthorization({ tokenUrl: 'https://sso.acme.example/token', clientId, clientSecret, scope: 'runs' }, ca)
 */
export function oauthAuthorization(client: OAuthClient, ca: string | undefined): Authorization {
  return {
    async headers(_request, deadlineAt) {
      const token = await tokens.get(cacheKey(client), () => fetchToken(client, { ca, deadlineAt }))
      return { authorization: `Bearer ${token}` }
    },
    invalidate: () => tokens.delete(cacheKey(client)),
  }
}

async function fetchToken(client: OAuthClient, options: SignInOptions) {
  const { tokenUrl, clientId, clientSecret, scope, resource, usesBasicAuth = false } = client
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(usesBasicAuth ? {} : { client_id: clientId, client_secret: clientSecret }),
    scope,
  })
  if (resource) form.set('resource', resource)
  const { origin, pathname, search } = new URL(tokenUrl)
  // Both are encoded, so that a colon in the id does not end it.
  const headers: Record<string, string> = usesBasicAuth
    ? { authorization: basicAuth(encodeURIComponent(clientId), encodeURIComponent(clientSecret)) }
    : {}
  const http = new Http({ platform: 'The OAuth server', baseUrl: origin, ...options, headers, isCredentialsError })
  const { body } = await http.post(`${pathname}${search}`, form.toString(), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    isRead: true,
    schema: tokenResponse,
  })
  return { token: body.access_token, expiresAt: Date.now() + body.expires_in * 1_000 }
}

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2 a 400 if the id and the secret are in the form */
function isCredentialsError(_status: number, body: unknown): boolean {
  return isRecord(body) && body['error'] === 'invalid_client'
}

function cacheKey({ tokenUrl, clientId, clientSecret, scope, resource, usesBasicAuth }: OAuthClient): string {
  return JSON.stringify([tokenUrl, clientId, clientSecret, scope, resource, usesBasicAuth])
}
