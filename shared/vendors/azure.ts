import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import { oauthAuthorization } from '../http/oauth.ts'
import type { Authorization } from '../http/options.ts'
import { segment } from '../http/segment.ts'

/**
 * Returns the fields of a connection to Azure: an application of Microsoft Entra, or an access token.
 *
 * @param role the role of the application, for the description: `the role Load Test Contributor on the resource`
 */
export function azureConnection(role: string) {
  return {
    tenantId: optional(word('Microsoft Entra tenant of the application, such as contoso.onmicrosoft.com')),
    clientId: optional(word(`Application (client) id; it needs ${role}`)),
    clientSecret: optional(secret('Client secret of the application')),
    loginUrl: z._default(
      url('URL of Microsoft Entra. Defaults to https://login.microsoftonline.com; national clouds have others'),
      'https://login.microsoftonline.com',
    ),
    token: optional(secret('Instead of an application: an access token, which expires after about an hour')),
  }
}

interface Credentials {
  tenantId?: string | undefined
  clientId?: string | undefined
  clientSecret?: string | undefined
  loginUrl: string
  token?: string | undefined
}

/**
 * Uses the token of the connection, or requests tokens for a Microsoft Entra application.
 *
 * @param scope of the API: `https://management.azure.com/.default`
 * @param title of the platform, for messages
 * @throws Failure `misconfigured`
 */
export function azureAuthorization(
  { token, tenantId, clientId, clientSecret, loginUrl }: Credentials,
  { scope, title, ca }: { scope: string; title: string; ca: string | undefined },
): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (tenantId && clientId && clientSecret) {
    const tokenUrl = `${loginUrl.replace(/\/$/, '')}/${segment(tenantId)}/oauth2/v2.0/token`
    return oauthAuthorization({ tokenUrl, clientId, clientSecret, scope }, ca)
  }
  throw new Failure(
    'misconfigured',
    `The connection to ${title} needs tenantId, clientId and clientSecret, or a token.`,
  )
}
