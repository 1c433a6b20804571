import * as z from 'zod/mini'
import { isRecord } from '../record.ts'
import { registerSecret } from '../redact.ts'
import { type Authorization, Http } from './client.ts'

/** A client of an OAuth server. */
export interface OAuthClient {
  /** Where tokens are fetched. */
  tokenUrl: string
  clientId: string
  clientSecret: string
  scope: string
  resource?: string | undefined
  /** Whether it takes the id and the secret in a header (Basic), and not in the form. */
  usesBasicAuth?: boolean
}

/** Fetched again this long before it expires, in milliseconds: it must last for the request, too. */
const margin = 30_000
/** Until `margin` before they expire. */
const tokens = new Map<string, { token: string; until: number }>()

const granted = z.object({
  access_token: z.string().check(z.minLength(1)),
  expires_in: z._default(z.coerce.number(), 60),
})

/**
 * Authenticates with a token by the client credentials grant, which is kept until shortly before it expires.
 *
 * @param ca PEM of a certificate authority to trust beside the public ones
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export function oauthAuthorization(client: OAuthClient, ca: string | undefined): Authorization {
  return {
    headers: async () => ({ authorization: `Bearer ${await fetchToken(client, ca)}` }),
    invalidate: () => void tokens.delete(keyOf(client)),
  }
}

async function fetchToken(client: OAuthClient, ca: string | undefined): Promise<string> {
  const key = keyOf(client)
  const known = tokens.get(key)
  if (known && known.until > Date.now()) {
    registerSecret(known.token)
    return known.token
  }
  const { tokenUrl, clientId, clientSecret, scope, resource, usesBasicAuth = false } = client
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(usesBasicAuth ? {} : { client_id: clientId, client_secret: clientSecret }),
    scope,
  })
  if (resource) form.set('resource', resource)
  const { origin, pathname, search } = new URL(tokenUrl)
  const headers: Record<string, string> = usesBasicAuth ? { authorization: basic(clientId, clientSecret) } : {}
  const http = new Http({ platform: 'The OAuth server', baseUrl: origin, ca, headers, isCredentialsError })
  const { body } = await http.post(`${pathname}${search}`, form.toString(), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    isRead: true,
    schema: granted,
  })
  const token = body.access_token
  registerSecret(token)
  tokens.set(key, { token, until: Date.now() + body.expires_in * 1_000 - margin })
  return token
}

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2 a 400, where id and secret come in the form */
function isCredentialsError(_status: number, body: unknown): boolean {
  return isRecord(body) && body['error'] === 'invalid_client'
}

/** Both parts are encoded first, so that a colon in the id does not end it. */
function basic(clientId: string, clientSecret: string): string {
  return `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`
}

function keyOf({ tokenUrl, clientId, clientSecret, scope, resource, usesBasicAuth }: OAuthClient): string {
  return JSON.stringify([tokenUrl, clientId, clientSecret, scope, resource, usesBasicAuth])
}
