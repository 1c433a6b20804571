import { matchesName } from '../policy/names.ts'
import { isRecord } from '../record.ts'
import {
  type Claims,
  findClaimsProblem,
  findKeysUrl,
  findTimeProblem,
  findTokenSignatureProblem,
  isFor,
  keySetOf,
  type ReadKeys,
  readClaims,
  readKeySet,
} from '../sources/id-token.ts'
import { type FetchPublished, fetchPublished } from '../sources/published.ts'
import { clipSingleLine } from '../text/single-line.ts'
import { type Caller, type Callers, insufficientScope } from './callers.ts'
import { verifyWithLimit } from './forged-tokens.ts'
import { isForAgents, isForByScope, type Oidc, type Scope, scopeIn, scopesOf } from './oidc.ts'
import { verifiedEmailOf } from './verified-email.ts'

/** Load this module with `import()`: few callers have tokens of an OpenID provider. */

const MAX_PERSON = 255
const MAX_SHOWN = 200

/** Whether an entry of the secret `callers` accepts a token. */
export interface TokenCheck {
  /** The name of the entry. */
  name: string
  caller: Callers[string]
  /** The person or program that the token identifies. */
  person?: string | undefined
  /** The verified e-mail address of the person. */
  email?: string | undefined
  /** The limit of a token for the endpoint for agents. */
  scope?: Scope | undefined
  /** Undefined if the token is accepted. */
  problem?: string | undefined
  /** The value that the entry requires. Not for the sender of the token. */
  required?: string | undefined
  /** How many checks have passed: with the most, an entry is the one that is meant. */
  passed: number
}

interface Options {
  /** The audience that the endpoint requires. Defaults to that of each entry. */
  audience?: string | undefined
  /** The address of the sender. Without it, there is no limit for forged tokens. */
  address?: string | undefined
}

/**
 * Returns the caller to which an OpenID provider has issued a token, or why there is none. A token that two callers accept is
 * refused, because they could have different rights.
 *
 * @param now epoch milliseconds
 * @throws Failure `unavailable`: the keys of the provider cannot be read; `forbidden`: the token lacks a scope; `limited`: the
 * sender has sent too many forged tokens
 */
export async function findCallerByIssuer(
  callers: Callers,
  token: string,
  now: number,
  options: Options = {},
): Promise<{ caller: Caller } | { refusal: string; isOtherAccount?: boolean }> {
  const checks = await checkToken(callers, token, now, fetchPublished, options)
  const [found, second] = checks.filter(({ problem }) => problem === undefined)
  if (!found) {
    const [best] = checks.sort((a, b) => b.passed - a.passed)
    if (best?.passed === ALL) throw insufficientScope(best.caller, 'read')
    // Another token of this account would be refused, too: the person must not be sent to the browser again.
    if (best?.passed === AUDIENCE && best.caller.oidc && isForAgents(best.caller.oidc))
      return { refusal: `No caller accepts this account: ${best.problem}.`, isOtherAccount: true }
    return { refusal: `The token is refused: ${best?.problem}. "webhooks token check" shows what is required.` }
  }
  if (second)
    return {
      refusal: `The token is refused: it is valid for ${found.name} and for ${second.name}. Make their claims differ.`,
    }
  const { name, caller, person, email, scope } = found
  return { caller: { ...caller, name, person, email, scope } }
}

/**
 * Checks a token for each caller of an OpenID provider. Compares the claims first: a token that no caller accepts causes no
 * request.
 *
 * @param now epoch milliseconds
 * @throws Failure `unavailable`
 */
export async function checkToken(
  callers: Callers,
  token: string,
  now: number,
  fetch: FetchPublished,
  { audience, address }: Options = {},
): Promise<TokenCheck[]> {
  const claims = readClaims(token)
  const checks: TokenCheck[] = []
  for (const [name, caller] of Object.entries(callers)) {
    const { oidc } = caller
    if (!oidc) continue
    const mismatch = claims
      ? findMismatch(oidc, claims, now, audience)
      : { problem: findClaimsProblem(token), passed: 0 }
    const verify = () => findTokenSignatureProblem(token, keysOf(oidc, fetch), now)
    const problem = mismatch ? undefined : await verifyWithLimit({ token, issuer: oidc.issuer, address }, now, verify)
    const scope = claims && isForAgents(oidc) ? scopeIn(claims, oidc) : undefined
    const result = mismatch ?? (problem ? { problem, passed: SIGNATURE } : findScopeProblem(oidc, scope))
    checks.push({ name, caller, scope, ...(claims && personOf(claims)), ...result })
  }
  return checks
}

/** How many checks come before those of the claims, of the signature, and of the scope. */
const AUDIENCE = 2
const SIGNATURE = 4
const ALL = 5

type Result = Pick<TokenCheck, 'problem' | 'required' | 'passed'>

function findMismatch(oidc: Oidc, claims: Claims, now: number, audience: string = oidc.audience): Result | undefined {
  if (claims.iss !== oidc.issuer)
    return { problem: `its issuer is ${shown(claims.iss)}`, required: oidc.issuer, passed: 0 }
  const { aud } = claims
  const isMeant = aud === undefined ? isForByScope(oidc, claims) : isFor(oidc.audience, claims)
  if (!isMeant || oidc.audience !== audience) {
    const problem = aud === undefined ? 'it has no claim aud' : `its audience is ${shown(aud)}`
    return { problem, required: audience, passed: 1 }
  }
  for (const [name, required] of Object.entries(oidc.claims)) {
    const value = textOf(claims[name])
    if (value !== undefined && matchesName(required, value)) continue
    const problem = value === undefined ? `it has no text as claim ${name}` : `its claim ${name} is ${shown(value)}`
    return { problem, required, passed: AUDIENCE }
  }
  const problem = findTimeProblem(claims, now)
  return problem === undefined ? undefined : { problem, passed: 3 }
}

/** Lists and objects match nothing: an entry cannot say how. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function shown(value: string | string[]): string {
  return clipSingleLine([value].flat().join(', '), MAX_SHOWN)
}

/** Returns how to read the keys of an issuer. */
export function keysOf({ issuer, jwks }: Oidc, fetch: FetchPublished): ReadKeys {
  return async (isFresh) => {
    if (isRecord(jwks)) return inlineKeys(jwks)
    return readKeySet(jwks ?? (await findKeysUrl(issuer, fetch)), fetch, isFresh)
  }
}

type InlineKeys = Exclude<Oidc['jwks'], string | undefined>
const inlineKeySets = new WeakMap<InlineKeys, ReturnType<typeof keySetOf>>()

function inlineKeys(jwks: InlineKeys): ReturnType<typeof keySetOf> {
  const keys = inlineKeySets.get(jwks) ?? keySetOf(jwks)
  inlineKeySets.set(jwks, keys)
  return keys
}

/** Returns the verified address, or the subject. */
function personOf(claims: Claims): Pick<TokenCheck, 'person' | 'email'> {
  const email = verifiedEmailOf(claims)
  const { sub } = claims
  return { email, person: email ?? (typeof sub === 'string' ? clipSingleLine(sub, MAX_PERSON) : undefined) }
}

function findScopeProblem(oidc: Oidc, scope: Scope | undefined): Result {
  if (!isForAgents(oidc) || scope !== undefined) return { passed: ALL }
  const { read, write } = scopesOf(oidc)
  const required = `${read} or ${write}`
  return { problem: `it lacks the scope ${required}`, required, passed: ALL }
}
