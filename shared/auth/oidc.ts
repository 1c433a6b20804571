import * as z from 'zod/mini'
import { isSecureUrl } from '../http/secure-url.ts'

const url = z
  .string()
  .check(z.maxLength(500), z.refine(isSecureUrl, { error: 'must be an https:// URL without credentials' }))
/** The claim `iss` of tokens, letter by letter. */
export const issuerSchema = url.check(
  z.refine((issuer) => !/[?#]/.test(issuer), { error: 'must have no query and no fragment' }),
)
/** Not a private or a symmetric key, with which everybody who can read the entry could sign tokens. */
const publicKey = z
  .looseObject({ kty: z.string(), kid: z.string() })
  .check(z.refine((key) => !('k' in key || 'd' in key), { error: 'must be a public key' }))

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
const scopeName = z
  .string()
  .check(z.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/, 'must be the name of a scope, without spaces and quotes'))

/** The tokens of an OpenID provider with which a caller authenticates, instead of a stored token. */
export const oidcSchema = z.strictObject({
  issuer: issuerSchema,
  audience: z.string().check(z.minLength(1), z.maxLength(255)),
  /**
   * The values that the claims of a token must have. `*` stands for any characters. Required, because everybody can get a token
   * of a public issuer for any audience.
   */
  claims: z
    .record(
      z.string().check(z.minLength(1), z.maxLength(255)),
      z.string().check(z.maxLength(500), z.regex(/[^*]/, 'must contain more than *')),
    )
    .check(z.refine((claims) => Object.keys(claims).length > 0, { error: 'must contain at least one claim' })),
  /** The URL of the keys, or the keys themselves. Without it, the issuer is asked where they are. */
  jwks: z.optional(
    z.union([url, z.strictObject({ keys: z.array(publicKey).check(z.minLength(1), z.maxLength(20)) })], {
      error: 'must be an https:// URL, or a set of public keys, each with a kid',
    }),
  ),
  /** How the provider names the scopes of the endpoint for agents, if it cannot use ours. */
  scopes: z.optional(
    z
      .strictObject({ read: scopeName, write: scopeName })
      .check(z.refine(({ read, write }) => read !== write, { error: 'must differ' })),
  ),
})

export type Oidc = z.output<typeof oidcSchema>

/** The limit of a token that a person or a program got for the endpoint for agents. `actions:write` includes `actions:read`. */
export type Scope = 'actions:read' | 'actions:write'

/** The end of the URL of the endpoint for agents. Some providers and clients add a slash. */
const AGENTS_URL = /\/v1\/mcp\/?$/i

/**
 * Whether the tokens of an entry are for the endpoint for agents, by their audience. Then their scopes limit what they may do, at
 * each webhook: a token that an agent got must not be worth more elsewhere.
 */
export function isForAgents({ audience }: Pick<Oidc, 'audience'>): boolean {
  return AGENTS_URL.test(audience)
}

const SCOPES = { read: 'actions:read', write: 'actions:write' }

/** Returns the names of both scopes at the provider. */
export function scopesOf({ scopes = SCOPES }: Pick<Oidc, 'scopes'> = {}): Record<keyof typeof SCOPES, string> {
  return scopes
}

/**
 * Returns the scope of a token, which is a text or, at some providers, a list. Undefined if it has none.
 *
 * A client requests the scopes of Entra ID with their resource, and the token has them without it in `scp`, because `aud` names it.
 */
export function scopeIn({ aud, scope, scp }: Record<string, unknown>, oidc: Pick<Oidc, 'scopes'>): Scope | undefined {
  const { read, write } = scopesOf(oidc)
  const [scopes, short] = [listOf(scope), listOf(scp)]
  const has = (name: string) =>
    scopes.includes(name) ||
    short.includes(name) ||
    (aud !== undefined && short.includes(name.slice(name.lastIndexOf('/') + 1)))
  if (has(write)) return 'actions:write'
  return has(read) ? 'actions:read' : undefined
}

function listOf(value: unknown): string[] {
  return [value].flat().flatMap((text) => (typeof text === 'string' ? text.split(' ') : []))
}

/**
 * Whether a token without `aud` is for the audience of an entry, because its scope is one of that resource: Amazon Cognito issues such
 * tokens.
 */
export function isForByScope(oidc: Oidc, claims: Record<string, unknown>): boolean {
  const isOfAudience = Object.values(scopesOf(oidc)).every((name) => name.startsWith(`${oidc.audience}/`))
  return isOfAudience && isForAgents(oidc) && scopeIn(claims, oidc) !== undefined
}
