import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { registerSecret } from '../redact.ts'
import { readSecret } from './secrets.ts'

const callerSchema = z.strictObject({
  /** Empty for a caller that only invokes the functions directly. */
  tokens: z._default(
    z
      .array(z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits')))
      .check(z.maxLength(10)),
    [],
  ),
  categories: z.array(z.string()).check(z.minLength(1)),
  orchestrator: z.optional(z.string()),
  /** Default connections by category or category/action. */
  connections: z.optional(z.record(z.string(), z.string())),
  /** The tasks that it may read: those that it started, or all tasks of its categories. */
  reads: z.optional(z.enum(['own', 'all'])),
})
/** The secret `callers`. */
export const callersSchema = z.record(z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/)), callerSchema)

/** A named inbound token, with what it may use and the orchestrator that gets its answers. */
export interface Caller extends z.output<typeof callerSchema> {
  name: string
}

/** An unknown token reads the secret again, but at most this often. */
const RECHECK_MS = 15_000
let lastRecheck = 0

/**
 * Returns the caller whose token the request has in `Authorization: Bearer ..` or `x-token: ..`.
 *
 * @param headers with names in lower case
 * @throws Failure `unauthenticated`
 */
export async function authenticate(headers: Record<string, string | undefined>): Promise<Caller> {
  const token = /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? headers['x-token']
  if (!token) throw unauthenticated('Send your token as "Authorization: Bearer <token>" or "x-token: <token>".')
  const known = await findCaller(await readSecret('callers', callersSchema), token)
  if (known) return known
  if (Date.now() - lastRecheck > RECHECK_MS) {
    lastRecheck = Date.now()
    const added = await findCaller(await readSecret('callers', callersSchema, { fresh: true }), token)
    if (added) return added
  }
  throw unauthenticated('The token is not valid. Check the secret that the webhook uses.')
}

/**
 * Returns the caller with a name, for invocations that IAM authenticates.
 *
 * @throws Failure `forbidden`
 */
export async function callerNamed(name: string): Promise<Caller> {
  for (const fresh of [false, true]) {
    const callers = await readSecret('callers', callersSchema, { fresh })
    const caller = Object.hasOwn(callers, name) ? callers[name] : undefined
    if (caller) return { name, ...caller }
  }
  throw new Failure(
    'forbidden',
    `The secret callers has no entry ${name.slice(0, 63)}. Add {"${name.slice(0, 63)}": {"categories": [..]}}, or name another one in "caller".`,
  )
}

/**
 * Refuses a caller that may not use a category.
 *
 * @throws Failure `forbidden`
 */
export function authorizeCategory(caller: Caller, category: string): void {
  if (!caller.categories.includes('*') && !caller.categories.includes(category)) {
    throw new Failure(
      'forbidden',
      `The caller ${caller.name} may not use ${category}. It may use ${caller.categories.join(', ')}.`,
    )
  }
}

/** Compares the token with every hash of every caller, so that the duration does not show which one matches. */
async function findCaller(callers: z.output<typeof callersSchema>, token: string): Promise<Caller | undefined> {
  // Loaded at the same time as the AWS SDK: node:crypto is a fifth of a webhook's start time.
  const { createHash, timingSafeEqual } = await import('node:crypto')
  const presented = createHash('sha256').update(token).digest()
  let found: Caller | undefined
  for (const [name, caller] of Object.entries(callers)) {
    for (const hash of caller.tokens) {
      if (timingSafeEqual(presented, Buffer.from(hash.slice('sha256:'.length), 'hex'))) found ??= { name, ...caller }
    }
  }
  // Wrong tokens are not registered: they would fill the memory.
  if (found) registerSecret(token)
  return found
}

function unauthenticated(message: string): Failure {
  return new Failure('unauthenticated', message, { headers: { 'www-authenticate': 'Bearer' } })
}
