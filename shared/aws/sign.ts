import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Authorization } from '../http.ts'
import { type Account, credentialsOf } from './aws.ts'
import { SSMClient } from './ssm.ts'

interface Signing {
  /** As in signatures: `execute-api`. */
  service: string
  /** Who is called, in messages. */
  platform: string
  account: Account & { region: string }
}

/**
 * Signs requests to an HTTP API of AWS that the SDK has no client for, such as one behind API Gateway.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export function signatureOf({ service, platform, account }: Signing): Authorization {
  const signer = new SignatureV4({
    service,
    region: account.region,
    sha256: Sha256,
    // Whichever client finds them, they are the same.
    credentials: () => credentialsOf(SSMClient, { platform, account }),
  })
  return {
    async headers({ method, url, body }) {
      const { protocol, host, hostname, pathname: path, searchParams } = new URL(url)
      const query = Object.fromEntries(searchParams)
      const { headers } = await signer.sign({ method, protocol, hostname, path, query, headers: { host }, body })
      return headers
    },
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
