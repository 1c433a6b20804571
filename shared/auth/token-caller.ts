import { matchesName } from '../policy/match.ts'
import { isRecord } from '../record.ts'
import {
  type Claims,
  findKeysUrl,
  findSignatureProblem,
  findTimeProblem,
  isFor,
  keySetOf,
  type ReadKeys,
  readClaims,
  readKeySet,
} from '../sources/id-token.ts'
import { type FetchPublished, fetchPublished } from '../sources/published.ts'
import { clipSingleLine } from '../text/single-line.ts'
import type { Caller, Callers } from './callers.ts'
import type { Oidc } from './oidc.ts'

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
  /** Undefined if the token is accepted. */
  problem?: string | undefined
  /** The value that the entry requires. Not for the sender of the token. */
  required?: string | undefined
  /** How many checks have passed: with the most, an entry is the one that is meant. */
  passed: number
}

/**
 * Returns the caller to which an OpenID provider has issued a token, or why there is none. A token that two callers accept is
 * refused, because they could have different rights.
 *
 * @param now epoch milliseconds
 * @throws Failure `unavailable`: the keys of the provider cannot be read
 */
export async function findCallerByIssuer(
  callers: Callers,
  token: string,
  now: number,
): Promise<{ caller: Caller } | { refusal: string }> {
  const checks = await checkToken(callers, token, now, fetchPublished)
  const [found, second] = checks.filter(({ problem }) => problem === undefined)
  if (!found) {
    const [best] = checks.sort((a, b) => b.passed - a.passed)
    return { refusal: `The token is refused: ${best?.problem}. "webhooks token check" shows what is required.` }
  }
  if (second)
    return {
      refusal: `The token is refused: it is valid for ${found.name} and for ${second.name}. Make their claims differ.`,
    }
  const { name, caller, person } = found
  return { caller: { ...caller, name, person } }
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
): Promise<TokenCheck[]> {
  const claims = readClaims(token)
  const checks: TokenCheck[] = []
  for (const [name, caller] of Object.entries(callers)) {
    const { oidc } = caller
    if (!oidc) continue
    const mismatch = claims ? findMismatch(oidc, claims, now) : { problem: NO_CLAIMS, passed: 0 }
    const problem = mismatch ? undefined : await findSignatureProblem(token, keysOf(oidc, fetch), now)
    checks.push({ name, caller, person: claims && personOf(claims), ...(mismatch ?? { problem, passed: ALL }) })
  }
  return checks
}

const NO_CLAIMS = 'it is not a JSON Web Token of at most 8 KB with the claims iss, aud, exp and iat'
const ALL = 4

function findMismatch(
  oidc: Oidc,
  claims: Claims,
  now: number,
): Pick<TokenCheck, 'problem' | 'required' | 'passed'> | undefined {
  if (claims.iss !== oidc.issuer)
    return { problem: `its issuer is ${shown(claims.iss)}`, required: oidc.issuer, passed: 0 }
  if (!isFor(oidc.audience, claims))
    return { problem: `its audience is ${shown(claims.aud)}`, required: oidc.audience, passed: 1 }
  for (const [name, required] of Object.entries(oidc.claims)) {
    const value = textOf(claims[name])
    if (value !== undefined && matchesName(required, value)) continue
    const problem = value === undefined ? `it has no text as claim ${name}` : `its claim ${name} is ${shown(value)}`
    return { problem, required, passed: 2 }
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
function personOf(claims: Claims): string | undefined {
  const person = claims['email_verified'] === true ? claims['email'] : claims['sub']
  return typeof person === 'string' ? clipSingleLine(person, MAX_PERSON) : undefined
}
