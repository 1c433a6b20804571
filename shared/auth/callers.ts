import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { registerSecret } from '../redact.ts'
import { readSecret } from './secrets.ts'

const callerSchema = z.strictObject({
  tokens: z
    .array(z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits')))
    .check(z.minLength(1), z.maxLength(10)),
  categories: z.array(z.string()).check(z.minLength(1)),
  orchestrator: z.optional(z.string()),
  /** Category, or category/action -> the connection that is used where a call names none. */
  connections: z.optional(z.record(z.string(), z.string())),
  /** Which tasks it may read: those that it started, or all of its categories. */
  reads: z.optional(z.enum(['own', 'all'])),
})
/** The secret `callers`. */
export const callersSchema = z.record(z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/)), callerSchema)

/** Who calls: a named inbound token, what it may do and where its answers go. */
export interface Caller extends z.output<typeof callerSchema> {
  name: string
}

/** How long after a failed look the callers are read anew, in milliseconds: a token that was just added works soon. */
const recheckAfter = 15_000
let lastRecheck = 0

/**
 * The caller whose token the request carries, in `Authorization: Bearer ..` or `x-token: ..`.
 *
 * @param headers with names in lower case
 * @throws Failure `unauthenticated`
 */
export async function authenticate(headers: Record<string, string | undefined>): Promise<Caller> {
  const token = /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? headers['x-token']
  if (!token) {
    throw unauthenticated('Send your token as "Authorization: Bearer <token>" or "x-token: <token>".')
  }
  const known = await findCaller(await readSecret('callers', callersSchema), token)
  if (known) return known
  if (Date.now() - lastRecheck > recheckAfter) {
    lastRecheck = Date.now()
    const added = await findCaller(await readSecret('callers', callersSchema, { fresh: true }), token)
    if (added) return added
  }
  throw unauthenticated('The token is not known: check the secret that the webhook sends.')
}

/**
 * Refuses a caller whose token does not open a category.
 *
 * @throws Failure `forbidden`
 */
export function authorize(caller: Caller, category: string): void {
  if (!caller.categories.includes('*') && !caller.categories.includes(category)) {
    throw new Failure(
      'forbidden',
      `The caller ${caller.name} may not use ${category}; it may use ${caller.categories.join(', ')}.`,
    )
  }
}

/** Compares with every hash of every caller, whatever matched: the time taken tells nothing. */
async function findCaller(callers: z.output<typeof callersSchema>, token: string): Promise<Caller | undefined> {
  // Loaded when first used, as the AWS SDK does: it is a fifth of the start of a webhook.
  const { createHash, timingSafeEqual } = await import('node:crypto')
  const presented = createHash('sha256').update(token).digest()
  let found: Caller | undefined
  for (const [name, caller] of Object.entries(callers)) {
    for (const hash of caller.tokens) {
      if (timingSafeEqual(presented, Buffer.from(hash.slice('sha256:'.length), 'hex'))) found ??= { name, ...caller }
    }
  }
  // Only what is a secret: whoever guesses must not fill our memory.
  if (found) registerSecret(token)
  return found
}

function unauthenticated(message: string): Failure {
  return new Failure('unauthenticated', message, { headers: { 'www-authenticate': 'Bearer' } })
}
