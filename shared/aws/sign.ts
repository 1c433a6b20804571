import type { Authorization } from '../http/options.ts'
import type { AwsError } from './clients.ts'
import { type AwsAccount, assumeRole, rejectOnAbort } from './clients.ts'
import { fromNodeProviderChain } from './credentials.ts'
import { toFailure } from './failure.ts'
import { sign } from './signature.ts'

interface SigningOptions {
  /** The service's name in signatures: `execute-api`. */
  service: string
  /** The service's name in messages. */
  platform: string
  account: AwsAccount & { region: string }
}

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}

/** Credentials are renewed early, so that they last for the request. */
const EXPIRY_MARGIN_MS = 60_000
const CREDENTIALS_TIMEOUT_MS = 15_000

/** By role. The function's own role has an empty key. */
const providers = new Map<string, () => Promise<Credentials>>()

/**
 * Returns an authorization that signs requests with Signature Version 4, as the function's role or as a role that it
 * assumes. For AWS APIs without an SDK client, such as one behind API Gateway.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 * @example
 * authorization: (account) =>
 *   sigV4Authorization({ service: 'fis', platform: 'AWS FIS', account: { ...account, region: 'eu-central-1' } })
 */
export function sigV4Authorization({ service, platform, account }: SigningOptions): Authorization {
  const credentials = async () => {
    try {
      return await Promise.race([
        credentialsProvider(account)(),
        rejectOnAbort(AbortSignal.timeout(CREDENTIALS_TIMEOUT_MS)),
      ])
    } catch (error) {
      const call = { platform, operation: 'sign', timeoutMs: CREDENTIALS_TIMEOUT_MS, account, transientErrors: [] }
      throw toFailure(error as AwsError, call)
    }
  }
  return {
    async headers({ method, url, headers: sent, body }) {
      // AWS requires a signature over all of its own headers.
      const signed = Object.fromEntries(Object.entries(sent).filter(([name]) => name.startsWith('x-amz-')))
      const signer = { ...(await credentials()), service, region: account.region }
      return sign({ method, url: new URL(url), headers: signed, body }, signer, new Date())
    },
    invalidate: () => void providers.delete(cacheKey(account)),
  }
}

function cacheKey({ region, roleArn, externalId }: SigningOptions['account']): string {
  return roleArn ? JSON.stringify([roleArn, externalId, region]) : ''
}

function credentialsProvider(account: SigningOptions['account']): () => Promise<Credentials> {
  const { region, roleArn, externalId } = account
  const key = cacheKey(account)
  const caller = { callerClientConfig: { region: async () => region } }
  const role = roleArn ? assumeRole(roleArn, externalId) : undefined
  const provider = providers.get(key) ?? (role ? cached(() => role(caller)) : fromNodeProviderChain())
  providers.set(key, provider)
  return provider
}

/** The SDK caches the credentials that it finds, but not those of an assumed role. */
function cached(provide: () => Promise<Credentials>): () => Promise<Credentials> {
  let current: Credentials | undefined
  return async () => {
    const expiresAt = current?.expiration?.getTime() ?? 0
    if (current && expiresAt > Date.now() + EXPIRY_MARGIN_MS) return current
    current = await provide()
    return current
  }
}
