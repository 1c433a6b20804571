import { randomBytes } from 'node:crypto'
import type * as z from 'zod/mini'
import { callersSchema } from '../../../shared/auth/callers.ts'
import { validate } from '../../../shared/validate.ts'
import { tokenHash } from '../../project/token-hash.ts'
import { UsageError } from '../../project/usage-error.ts'
import { type SecretStore, secretName } from './secret-store.ts'

/** The secret `callers`: the permissions and token hashes of each caller, newest hash last. */
export type StoredCallers = z.output<typeof callersSchema>
export type StoredCaller = StoredCallers[string]

const SECRET_PATH = 'callers'

/** @throws Failure `misconfigured` if the secret is not valid */
export async function readStoredCallers(store: SecretStore): Promise<StoredCallers> {
  const stored = (await store.get(SECRET_PATH)) ?? {}
  return validate(callersSchema, stored, { what: `The secret ${secretName(SECRET_PATH)}`, kind: 'misconfigured' })
}

/** Saves the callers. Concurrent changes overwrite each other: Secrets Manager has no conditional writes. */
export async function writeCallers(store: SecretStore, callers: StoredCallers): Promise<void> {
  const valid = validate(callersSchema, callers, { what: 'The callers' })
  await store.put(SECRET_PATH, valid)
}

/** @throws UsageError that lists the callers */
export function findCaller(callers: StoredCallers, name: string, { place }: SecretStore): StoredCaller {
  const found = Object.hasOwn(callers, name) ? callers[name] : undefined
  if (found) return found
  const known = Object.keys(callers)
  throw new UsageError(
    `${place} contains no caller "${name}". ${known.length > 0 ? `Callers: ${known.join(', ')}` : 'Create one with webhooks token create'}.`,
  )
}

/** Creates a token with 256 random bits. Only its hash is saved. */
export function createToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: tokenHash(token) }
}
