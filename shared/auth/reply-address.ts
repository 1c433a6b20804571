import { createHmac } from 'node:crypto'
import * as z from 'zod/mini'
import { readSecret } from '../aws/deployment-secrets.ts'
import { optional, secret } from '../fields.ts'
import { registerSecret } from '../redact.ts'
import { decrypt, encrypt } from './encryption.ts'

/** Load this module with `import()`: few calls supply an address. */

/** The secret `callbacks`. Addresses that the previous key sealed can still be opened. */
export const callbacksSecret = z.strictObject({
  key: secret('Seals the reply addresses of calls: at least 32 random characters').check(z.minLength(32)),
  previousKey: optional(secret('The previous key').check(z.minLength(32))),
})

const NONCE_BYTES = 12

/**
 * Encrypts the address that a call supplies for its answer, such as a resume URL or a task token. Anyone who knows the address can
 * answer, so the payload of a task contains it only in this form.
 *
 * The result is bound to the task, and equal for each delivery of the same call: a repeat with another payload would be another
 * execution.
 *
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function sealAddress(taskId: string, address: string): Promise<string> {
  registerSecret(address)
  const { key } = await readSecret('callbacks', callbacksSecret)
  const nonce = derive(key, 'nonce', `${taskId}.${address}`).subarray(0, NONCE_BYTES)
  return encrypt(derive(key, 'encryption'), nonce, taskId, address)
}

/**
 * Decrypts the address of a task.
 *
 * @returns undefined if neither key opens it: the key is lost, or the address belongs to another task
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function openAddress(taskId: string, sealed: string): Promise<string | undefined> {
  // The cached secret may be older than the key that sealed the address.
  for (const fresh of [false, true]) {
    const { key, previousKey } = await readSecret('callbacks', callbacksSecret, { fresh })
    for (const decryptionKey of [key, previousKey]) {
      const address =
        decryptionKey === undefined ? undefined : decrypt(derive(decryptionKey, 'encryption'), taskId, sealed)
      if (address === undefined) continue
      registerSecret(address)
      return address
    }
  }
  return undefined
}

/** Returns 32 bytes for one purpose, so that no key is used for two. */
function derive(key: string, purpose: 'nonce' | 'encryption', text = ''): Buffer {
  return createHmac('sha256', key).update(`reply-address.${purpose}.${text}`, 'utf8').digest()
}
