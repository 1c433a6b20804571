import * as z from 'zod/mini'
import { type Authorization, Http } from './http.ts'
import { remember } from './redact.ts'

/** A client of an OAuth server. */
export interface OAuthClient {
  /** Where tokens are fetched. */
  tokenUrl: string
  clientId: string
  clientSecret: string
  scope: string
  resource?: string | undefined
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
export function bearerOf(client: OAuthClient, ca: string | undefined): Authorization {
  return {
    headers: async () => ({ authorization: `Bearer ${await fetchToken(client, ca)}` }),
    forget: () => void tokens.delete(keyOf(client)),
  }
}

async function fetchToken(client: OAuthClient, ca: string | undefined): Promise<string> {
  const key = keyOf(client)
  const known = tokens.get(key)
  if (known && known.until > Date.now()) return known.token
  const { tokenUrl, clientId, clientSecret, scope, resource } = client
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope,
  })
  if (resource) form.set('resource', resource)
  const { origin, pathname } = new URL(tokenUrl)
  const http = new Http({ platform: 'The OAuth server', baseUrl: origin, ca })
  const { body } = await http.post(pathname, form.toString(), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    reads: true,
    answer: granted,
  })
  const token = body.access_token
  remember(token)
  tokens.set(key, { token, until: Date.now() + body.expires_in * 1_000 - margin })
  return token
}

function keyOf({ tokenUrl, clientId, clientSecret, scope }: OAuthClient): string {
  return [tokenUrl, clientId, clientSecret, scope].join(' ')
}
