import { createHmac, randomBytes } from 'node:crypto'
import * as z from 'zod/mini'
import { decrypt, encrypt } from '../auth/encryption.ts'
import { readIdentityKey, readIdentityKeys } from '../auth/identity-key.ts'
import { isRecord } from '../record.ts'

/** The one cookie of the page: a response can set no second one. First it has the state of a sign-in, then the person. */
const NAME = '__Host-approval'
const ATTRIBUTES = 'Secure; HttpOnly; SameSite=Lax; Path=/'
const MAX_AGE_SECONDS = 600
const NONCE_BYTES = 12

/** A kind of value that can be sealed. */
interface Sealable<S extends z.ZodMiniObject> {
  kind: string
  schema: S
}

/** A sign-in that has started. The provider returns it, too. */
export const signInState = {
  kind: 'state',
  schema: z.object({
    /** The token of the approval. */
    token: z.string(),
    nonce: z.string(),
    verifier: z.string(),
  }),
}

/** The person who is signed in to decide one approval. */
export const session = {
  kind: 'session',
  schema: z.object({
    /** The approval whose question the person has seen. */
    taskId: z.string(),
    name: z.string(),
    email: z.optional(z.string()),
    /** Why there is none: the provider has not verified it. */
    isUnverified: z.optional(z.literal(true)),
    /** One of the groups of the person that may decide. */
    group: z.optional(z.string()),
  }),
}
export type Session = z.output<typeof session.schema>

/**
 * Encrypts a value. It can be opened for ten minutes, by this deployment only, and only as what it is.
 *
 * @param now epoch milliseconds
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function seal<S extends z.ZodMiniObject>(
  { kind }: Sealable<S>,
  value: z.output<S>,
  now: number,
): Promise<string> {
  const text = JSON.stringify({ ...value, until: now + MAX_AGE_SECONDS * 1_000 })
  return encrypt(encryptionKey(await readIdentityKey()), randomBytes(NONCE_BYTES), kind, text)
}

/**
 * Opens what `seal` returned. Undefined if it is not valid, or no longer.
 *
 * @param now epoch milliseconds
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function open<S extends z.ZodMiniObject>(
  { kind, schema }: Sealable<S>,
  sealed: string,
  now: number,
): Promise<z.output<S> | undefined> {
  for (const key of await readIdentityKeys(false)) {
    const text = decrypt(encryptionKey(key), kind, sealed)
    const value: unknown = text === undefined ? undefined : JSON.parse(text)
    if (isRecord(value) && Number(value['until']) > now) return z.parse(schema, value)
  }
  return undefined
}

/** No key is used for two purposes. */
function encryptionKey(identityKey: string): Buffer {
  return createHmac('sha256', identityKey).update('approval-page.encryption', 'utf8').digest()
}

/** Returns the value of the header that sets the cookie. Without a value, it deletes the cookie. */
export function cookieOf(value?: string): string {
  return value === undefined
    ? `${NAME}=; Max-Age=0; ${ATTRIBUTES}`
    : `${NAME}=${value}; Max-Age=${MAX_AGE_SECONDS}; ${ATTRIBUTES}`
}

/** Returns the cookie of a request. */
export function readCookie({ cookie = '' }: Record<string, string | undefined>): string | undefined {
  const pairs = cookie.split(/; */).map((pair) => pair.split('='))
  return pairs.find(([name]) => name === NAME)?.[1]
}
