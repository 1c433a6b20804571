import * as z from 'zod/mini'
import { secret } from '../fields.ts'
import { readSecret } from './secrets.ts'

/** The secret `identity`: the key of the ids of calls. Only the webhooks of this deployment can read it. */
export const identitySecret = z.strictObject({
  key: secret('Key of the ids of calls: at least 32 random characters').check(z.minLength(32)),
})

/** @throws Failure `misconfigured`, `unavailable` */
export async function readIdentityKey(): Promise<string> {
  const { key } = await readSecret('identity', identitySecret)
  return key
}
