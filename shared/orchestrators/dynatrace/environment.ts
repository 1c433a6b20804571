import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional, secret, url, word } from '../../fields.ts'
import { oauthAuthorization } from '../../http/oauth.ts'
import type { Authorization } from '../../http/options.ts'
import { clipSingleLine } from '../../text/single-line.ts'

/**
 * Returns the fields of the credentials for the platform APIs: a platform token, or an OAuth client.
 *
 * @param scopes of the APIs, separated by spaces
 */
export function platformFields(scopes: string) {
  return {
    baseUrl: url('The environment: https://abc12345.apps.dynatrace.com'),
    clientId: optional(word('The id of an OAuth client')),
    clientSecret: optional(secret('The secret of the OAuth client')),
    account: optional(word('The UUID of the account of the OAuth client')),
    scope: z._default(word(`The scopes of the OAuth client. Defaults to ${scopes}`), scopes),
    tokenUrl: z._default(
      url('The token endpoint. Defaults to https://sso.dynatrace.com/sso/oauth2/token'),
      'https://sso.dynatrace.com/sso/oauth2/token',
    ),
    token: optional(
      secret(
        `A platform token with the ${scopes.includes(' ') ? 'scopes' : 'scope'} ${scopes}, instead of an OAuth client`,
      ),
    ),
  }
}

/** The values of `platformFields`. */
export interface PlatformCredentials {
  clientId?: string | undefined
  clientSecret?: string | undefined
  account?: string | undefined
  scope: string
  tokenUrl: string
  token?: string | undefined
}

/**
 * Returns the authorization for the platform APIs.
 *
 * @param owner the subject of the message if there are no credentials: `The connection to Dynatrace Platform`
 * @throws Failure `misconfigured`
 */
export function platformAuthorization(
  { token, clientId, clientSecret, account, scope, tokenUrl }: PlatformCredentials,
  ca: string | undefined,
  owner: string,
): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (clientId && clientSecret) {
    const resource = account === undefined ? undefined : `urn:dtaccount:${account.replace(/^urn:dtaccount:/, '')}`
    return oauthAuthorization({ tokenUrl, clientId, clientSecret, scope, resource }, ca)
  }
  throw new Failure('misconfigured', `${owner} has no credentials. Add clientId and clientSecret, or token.`)
}

const text = z.nullish(z.string())
const violations = z.nullish(z.array(z.object({ path: text, message: text })))
const refusal = z.object({
  error: z.object({
    message: z.string(),
    constraintViolations: violations,
    // Services of the platform report their details here.
    details: z.nullish(z.object({ constraintViolations: violations, missingScopes: z.nullish(z.array(z.string())) })),
  }),
})

/** Returns the reason of an error response, with the invalid fields and the missing scopes. */
export function reasonOf(body: unknown): string | undefined {
  const { error } = z.safeParse(refusal, body).data ?? {}
  if (!error) return undefined
  const { message, constraintViolations, details } = error
  const invalidFields = [...(constraintViolations ?? []), ...(details?.constraintViolations ?? [])]
  const fieldReasons = invalidFields.map(({ path, message }) => [path, message].filter(Boolean).join(': '))
  const scopes = details?.missingScopes ?? []
  const reasons = [message, ...fieldReasons, ...(scopes.length > 0 ? [`missing scopes: ${scopes.join(', ')}`] : [])]
  return clipSingleLine(reasons.filter(Boolean).join('; '), 500)
}
