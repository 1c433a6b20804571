import { createHash, randomBytes } from 'node:crypto'
import type * as z from 'zod/mini'
import { callersSchema } from '../../shared/auth/callers.ts'
import { validate } from '../../shared/validate.ts'
import { UsageError } from './receiver.ts'
import { type SecretStore, secretName } from './secret-store.ts'

/** The secret `callers`: name -> what it may do, and the hashes of its tokens, the newest last. */
export type Callers = z.output<typeof callersSchema>
export type Caller = Callers[string]

const path = 'callers'

/** @throws Failure `misconfigured` where the secret is not what it must be */
export async function readCallers(store: SecretStore): Promise<Callers> {
  const held = (await store.get(path)) ?? {}
  return validate(callersSchema, held, { what: `The secret ${secretName(path)}`, kind: 'misconfigured' })
}

/** Two that change it at the same time would lose one change: Secrets Manager knows no condition. */
export async function writeCallers(store: SecretStore, callers: Callers): Promise<void> {
  const valid = validate(callersSchema, callers, { what: 'The callers' })
  await store.put(path, valid)
}

/** @throws UsageError that lists the known ones */
export function callerNamed(callers: Callers, name: string, { place }: SecretStore): Caller {
  const found = Object.hasOwn(callers, name) ? callers[name] : undefined
  if (found) return found
  const known = Object.keys(callers)
  throw new UsageError(
    `There is no caller ${name} in ${place}: ${known.length > 0 ? `known are ${known.join(', ')}` : 'make one with webhooks token create'}.`,
  )
}

/** A new token of 256 random bits, and the hash that is kept of it. */
export function makeToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: `sha256:${createHash('sha256').update(token).digest('hex')}` }
}
