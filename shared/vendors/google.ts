import { Failure } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import type { Authorization } from '../http/options.ts'
import { TokenCache } from '../http/token-cache.ts'
import type { GoogleSignIn } from './clients/google-token.ts'

const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform'

/** The fields of a connection to Google: a key of a service account, or workload identity federation without a key. */
export const googleConnection = {
  serviceAccount: optional(word('Email address of the service account: client_email of its key file')),
  privateKey: optional(secret('Key of the service account: private_key of its key file')),
  workloadIdentityProvider: optional(
    word(
      'Instead of a key: the function signs in with its AWS role. projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>',
    ),
  ),
  loginUrl: optional(url('URL to use for tokens instead of those of Google, such as that of a proxy')),
  token: optional(secret('Instead of a service account: an access token, which expires after about an hour')),
}

interface Credentials extends Omit<GoogleSignIn, 'scope'> {
  token?: string | undefined
}

const tokens = new TokenCache(300_000)

/**
 * Returns the authorization for the APIs of Google.
 *
 * @throws Failure `misconfigured`
 */
export function googleAuthorization(
  { token, serviceAccount, privateKey, workloadIdentityProvider, loginUrl }: Credentials,
  ca: string | undefined,
  scope = CLOUD_PLATFORM,
): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (privateKey === undefined && workloadIdentityProvider === undefined)
    throw new Failure(
      'misconfigured',
      'The connection to Google has no credentials. Add serviceAccount and privateKey, or workloadIdentityProvider.',
    )
  const signIn = { scope, serviceAccount, privateKey, workloadIdentityProvider, loginUrl }
  const key = JSON.stringify(signIn)
  return {
    async headers(_request, deadlineAt) {
      const token = await tokens.get(key, async () => {
        const { fetchGoogleToken } = await import('./clients/google-token.ts')
        return fetchGoogleToken(signIn, { ca, deadlineAt })
      })
      return { authorization: `Bearer ${token}` }
    },
    invalidate: () => tokens.delete(key),
  }
}

/** A Google Cloud project, by its id. */
export const googleProject = {
  pattern: /^(?:[a-z0-9.-]{1,60}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  example: 'acme-shop',
}
