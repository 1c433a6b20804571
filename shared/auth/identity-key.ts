import * as z from 'zod/mini'
import { readSecret } from '../aws/deployment-secrets.ts'
import { optional, secret } from '../fields.ts'

/**
 * The secret `identity`: the key of the ids of calls, and of the seals of the payloads of tasks. Only the functions of this
 * deployment can read it.
 */
export const identitySecret = z.strictObject({
  key: secret('Key of the ids of calls: at least 32 random characters').check(z.minLength(32)),
  previousKey: optional(secret('The previous key, for calls that were accepted with it').check(z.minLength(32))),
})

/** @throws Failure `misconfigured`, `unavailable` */
export async function readIdentityKey(): Promise<string> {
  const { key } = await readSecret('identity', identitySecret)
  return key
}

/**
 * Returns the key, and the previous one if there is one.
 *
 * @param fresh reads the secret again, instead of from the cache
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function readIdentityKeys(fresh: boolean): Promise<string[]> {
  const { key, previousKey } = await readSecret('identity', identitySecret, { fresh })
  return previousKey === undefined ? [key] : [key, previousKey]
}
