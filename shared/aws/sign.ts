import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Authorization } from '../http/client.ts'
import { type AwsAccount, type AwsError, aborted, assumeRole, toFailure } from './aws.ts'
import { fromNodeProviderChain } from './credentials.ts'

interface Signing {
  /** As in signatures: `execute-api`. */
  service: string
  /** Who is called, in messages. */
  platform: string
  account: AwsAccount & { region: string }
}

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}

/** Asked for again this long before they end, in milliseconds: they must last for the request, too. */
const margin = 60_000
/** Longest that it may take to get them, in milliseconds. */
const timeout = 15_000

/** By role; the function's own under an empty name. */
const providers = new Map<string, () => Promise<Credentials>>()

/**
 * Signs requests to an HTTP API of AWS that the SDK has no client for, such as one behind API Gateway, as the function's
 * role, or as one that it assumes.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export function sigV4Authorization({ service, platform, account }: Signing): Authorization {
  const credentials = async () => {
    try {
      return await Promise.race([providerOf(account)(), aborted(AbortSignal.timeout(timeout))])
    } catch (error) {
      throw toFailure(error as AwsError, { platform, operation: 'sign', timeout, account, passing: [] })
    }
  }
  const signer = new SignatureV4({ service, region: account.region, credentials, sha256: Sha256 })
  return {
    async headers({ method, url, headers: sent, body }) {
      const { protocol, host, hostname, pathname: path, searchParams } = new URL(url)
      const query = Object.fromEntries(searchParams)
      // AWS wants all of its own headers to be signed.
      const own = Object.fromEntries(Object.entries(sent).filter(([name]) => name.startsWith('x-amz-')))
      const request = { method, protocol, hostname, path, query, headers: { host, ...own }, body }
      return (await signer.sign(request)).headers
    },
    invalidate: () => void providers.delete(keyOf(account)),
  }
}

function keyOf({ region, roleArn, externalId }: Signing['account']): string {
  return roleArn ? JSON.stringify([roleArn, externalId, region]) : ''
}

function providerOf(account: Signing['account']): () => Promise<Credentials> {
  const { region, roleArn, externalId } = account
  const key = keyOf(account)
  const caller = { callerClientConfig: { region: async () => region } }
  const role = roleArn ? assumeRole(roleArn, externalId) : undefined
  const provider = providers.get(key) ?? (role ? kept(() => role(caller)) : fromNodeProviderChain())
  providers.set(key, provider)
  return provider
}

/** The SDK keeps those that it finds, but not those of a role that it assumes. */
function kept(provide: () => Promise<Credentials>): () => Promise<Credentials> {
  let held: Credentials | undefined
  return async () => {
    const until = held?.expiration?.getTime() ?? 0
    if (held && until > Date.now() + margin) return held
    held = await provide()
    return held
  }
}

/** Node's own, in the form that the signer takes. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('A hash is made for each text.')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array | string {
  if (typeof data === 'string') return data
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
