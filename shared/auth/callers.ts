import * as z from 'zod/mini'
import { readSecret } from '../aws/deployment-secrets.ts'
import { callerLimits } from '../caller-limits.ts'
import { Failure } from '../errors.ts'
import { secret } from '../fields.ts'
import { registerSecret } from '../redact.ts'
import { settings } from '../settings.ts'
import { oidcSchema, type Scope, scopesOf } from './oidc.ts'

const MAX_KEYS = 3

const callerSchema = z.strictObject({
  /** Empty for a caller with another credential, or one that invokes the functions directly. */
  tokens: z._default(
    z
      .array(z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits')))
      .check(z.maxLength(10)),
    [],
  ),
  /** Signs its requests with HMAC-SHA256 of the raw body. */
  hmac: z.optional(
    z.strictObject({
      /** The header with the signature, in lower case. */
      header: z.string().check(z.regex(/^x-[a-z0-9-]{1,60}$/, 'must be a header in lower case that starts with x-')),
      /** The text before the signature, such as `sha256=`. */
      prefix: z._default(z.string().check(z.maxLength(40)), ''),
      encoding: z._default(z.enum(['hex', 'base64']), 'hex'),
      keys: z.array(secret('A signing key').check(z.minLength(16))).check(z.minLength(1), z.maxLength(MAX_KEYS)),
    }),
  ),
  /** Signs its requests as Standard Webhooks. */
  standardWebhooks: z.optional(
    z.strictObject({
      keys: z
        .array(
          secret('A signing key').check(z.regex(/^whsec_[A-Za-z0-9+/]{32,100}={0,2}$/, 'must be whsec_ and base64')),
        )
        .check(z.minLength(1), z.maxLength(MAX_KEYS)),
    }),
  ),
  /** Sends a token that an OpenID provider has issued to it. */
  oidc: z.optional(oidcSchema),
  categories: z.array(z.string()).check(z.minLength(1)),
  allow: callerLimits.allow,
  allowConnections: callerLimits.allowConnections,
  callsPerMinute: callerLimits.callsPerMinute,
  orchestrator: z.optional(z.string()),
  /** Default connections by category or category/action. */
  connections: z.optional(z.record(z.string(), z.string())),
  /** A program that decides by itself what to call. Rules of the policy can be for agents only. */
  agent: z.optional(z.boolean()),
  writes: callerLimits.writes,
  /** The people behind it: ids or e-mail addresses of the chat platform. With `notRequester`, they do not approve its calls. */
  owners: z.optional(
    z.array(z.string().check(z.minLength(1), z.maxLength(255))).check(z.minLength(1), z.maxLength(20)),
  ),
  /** The tasks that it may read: those that it started, or all tasks of its categories. */
  reads: z.optional(z.enum(['own', 'all'])),
})
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** The secret `callers`. */
export const callersSchema = z.record(z.string().check(z.regex(NAME)), callerSchema)
/** A caller with an invalid name must not lock the others out: `requireValidName` refuses only itself. */
const storedSchema = z.record(z.string(), callerSchema)

export type Callers = z.output<typeof callersSchema>

/** A named inbound credential, with what it may use and the orchestrator that gets its answers. */
export interface Caller extends z.output<typeof callerSchema> {
  name: string
  /** The person or the program that an OpenID provider has identified. */
  person?: string | undefined
  /** The verified e-mail address of that person. The subject of a program can look like one. */
  email?: string | undefined
  /** The limit of the token. Undefined for a credential without scopes. */
  scope?: Scope | undefined
}

/** The caller that reads, cancels or answers a task. Its entry does not matter for this. */
export type TaskReader = Pick<Caller, 'name' | 'reads'>

/** Whether a rule of the policy, or its own entry, may restrict what a caller starts. */
export function isRestricted({ agent = false, writes }: Caller): boolean {
  return settings.policyFile !== undefined || (writes ?? (agent ? 'approve' : 'allow')) !== 'allow'
}

/**
 * Reads the callers, and registers their signing keys for masking.
 *
 * @param fresh reads the secret again, instead of from the cache
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function readCallers(fresh: boolean): Promise<Callers> {
  const callers = await readSecret('callers', storedSchema, { fresh })
  for (const { hmac, standardWebhooks } of Object.values(callers))
    for (const key of [...(hmac?.keys ?? []), ...(standardWebhooks?.keys ?? [])]) registerSecret(key)
  return callers
}

/**
 * Returns the caller with a name, for invocations that IAM authenticates.
 *
 * @throws Failure `forbidden`
 */
export async function callerNamed(name: string): Promise<Caller> {
  for (const fresh of [false, true]) {
    const callers = await readCallers(fresh)
    const caller = Object.hasOwn(callers, name) ? callers[name] : undefined
    if (caller) return requireValidName({ name, ...caller })
  }
  const shown = name.slice(0, 63)
  throw new Failure(
    'forbidden',
    `The secret callers has no entry ${shown}. Add {"${shown}": {"categories": [..]}}, or name another one in "caller".`,
  )
}

/**
 * Returns a caller whose name is valid: names are parts of keys.
 *
 * @throws Failure `misconfigured`
 */
export function requireValidName(caller: Caller): Caller {
  const { name } = caller
  if (NAME.test(name)) return caller
  throw new Failure(
    'misconfigured',
    `The secret callers has an entry whose name is not valid: ${name.slice(0, 63)}. Rename it: a-z, 0-9 and -, at most 63 characters.`,
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

/**
 * Refuses a caller that may not call an action.
 *
 * @param action as in the URL: the action mapping of a category is allowed or refused as a whole
 * @param names all names of the action
 * @throws Failure `forbidden`
 */
export function authorizeAction(
  { name, allow }: Caller,
  category: string,
  action: string,
  names: readonly string[],
): void {
  if (!allow || ['*', ...names].some((allowed) => allow.includes(`${category}/${allowed}`))) return
  throw new Failure(
    'forbidden',
    `The caller ${name} may not call ${category}/${action}. It may call ${allow.join(', ') || 'nothing'}.`,
  )
}

/**
 * Refuses a caller whose token is only for reading.
 *
 * @throws Failure `forbidden`
 */
export function authorizeWrite(caller: Caller): void {
  if (caller.scope === 'actions:read') throw insufficientScope(caller, 'write')
}

/** @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1 */
export function insufficientScope({ oidc }: Pick<Caller, 'oidc'>, needed: 'read' | 'write'): Failure {
  const scope = scopesOf(oidc)[needed]
  return new Failure('forbidden', `The token lacks the scope ${scope}. Sign in again, and request it.`, {
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  })
}

/**
 * Refuses a caller that may not use a connection.
 *
 * @throws Failure `forbidden`
 */
export function authorizeConnection({ name, allowConnections }: Caller, category: string, connection: string): void {
  const allowed = allowConnections?.[category]
  if (!allowed || allowed.includes(connection)) return
  throw new Failure(
    'forbidden',
    `The caller ${name} may not use the connection ${connection} of ${category}. It may use ${allowed.join(', ')}: select one with "connection".`,
  )
}
