import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import * as z from 'zod/mini'
import { Failure, messageOf } from '../errors.ts'
import { parseBody } from '../http/parse-body.ts'
import { isSecureUrl } from '../http/secure-url.ts'
import { isRecord } from '../record.ts'
import type { FetchPublished } from './published.ts'

/** Load this module with `import()`: few requests have a token of an OpenID provider. */

/** How far the clocks of a provider and of the function may differ. */
const CLOCK_DIFFERENCE_SECONDS = 60
/** API Gateway accepts 10 KB of headers. */
const MAX_TOKEN = 8_192
const MAX_KEYS_TEXT = 262_144
/** Asymmetric ones only: the keys are public. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

const claimsSchema = z.looseObject({
  iss: z.string(),
  aud: z.optional(z.union([z.string(), z.array(z.string())])),
  exp: z.number(),
  iat: z.number(),
  nbf: z.optional(z.number()),
})

/** The claims of a token with the issuer and the times that every token must have. */
export type Claims = z.output<typeof claimsSchema>

/**
 * Returns the claims of a token, which are not verified. Undefined if it is not a token.
 *
 * A claim that appears twice has its last value, here and where the signature is verified.
 */
export function readClaims(token: string): Claims | undefined {
  return z.safeParse(claimsSchema, payloadOf(token)).data
}

/** Returns why the claims of a token cannot be read. */
export function findClaimsProblem(token: string): string {
  const payload = payloadOf(token)
  if (!isRecord(payload)) return 'it is not a JSON Web Token of at most 8 KB'
  const names = (z.safeParse(claimsSchema, payload).error?.issues ?? []).map(({ path: [name] }) => String(name))
  return `it has no valid claim ${[...new Set(names)].join(' and ')}`
}

function payloadOf(token: string): unknown {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token.length > MAX_TOKEN ? '' : token) ?? []
  return payload === undefined ? undefined : parseBody(Buffer.from(payload, 'base64url').toString('utf8'))
}

/** Whether a token is for an audience. */
export function isFor(audience: string, { aud }: Claims): boolean {
  return [aud].flat().includes(audience)
}

/**
 * Returns why a token is not valid now.
 *
 * @param now epoch milliseconds
 */
export function findTimeProblem({ exp, nbf, iat }: Claims, now: number): string | undefined {
  const seconds = now / 1_000
  if (exp + CLOCK_DIFFERENCE_SECONDS <= seconds) return `it expired at ${timeOf(exp)}`
  const start = Math.max(iat, nbf ?? iat)
  return start - CLOCK_DIFFERENCE_SECONDS > seconds ? `it is not valid before ${timeOf(start)}` : undefined
}

function timeOf(seconds: number): string {
  const time = new Date(seconds * 1_000)
  return Number.isNaN(time.getTime()) ? `${seconds} s` : time.toISOString()
}

/** Returns the keys of a provider. Fresh ones are read again, but at most once a minute. */
export type ReadKeys = (isFresh: boolean) => Promise<KeySet>

/** Finds the key of a token. Keeps the keys that it has parsed. */
export type KeySet = ReturnType<typeof createLocalJWKSet>

/**
 * Returns why the signature of a token is not valid. A key that is not known is looked up again once.
 *
 * @param now epoch milliseconds
 * @throws Failure `unavailable`: the keys cannot be read
 */
export async function findTokenSignatureProblem(
  token: string,
  readKeys: ReadKeys,
  now: number,
): Promise<string | undefined> {
  for (const isFresh of [false, true]) {
    const keys = await readKeys(isFresh)
    try {
      await jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_DIFFERENCE_SECONDS,
        currentDate: new Date(now),
      })
      return undefined
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) return reasonOf(error)
    }
  }
  return 'its key is not one of the keys of the issuer'
}

/** The problem of a token that has a key of the issuer, but not its signature. */
export const FORGED = 'its signature is not valid'

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) return FORGED
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed'
  return `it cannot be verified (${messageOf(error)})`
}

const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })
const url = z.string().check(z.refine(isSecureUrl))
const configurationSchema = z.looseObject({ issuer: z.string(), jwks_uri: url })
/** The configuration that a provider publishes. */
export type ProviderConfiguration = z.output<typeof configurationSchema>

const keySets = new Map<string, { text: string; keys: KeySet }>()
const MAX_KEY_SETS = 20
const UNUSABLE_RETRY_SECONDS = 60

/**
 * Returns the keys that a provider publishes.
 *
 * @throws Failure `unavailable`
 */
export async function readKeySet(url: string, fetchPublished: FetchPublished, isFresh: boolean): Promise<KeySet> {
  return readUsable(url, fetchPublished, isFresh, (text) => {
    const known = keySets.get(url)
    if (known?.text === text) return known.keys
    const { data } = z.safeParse(keySetSchema, text.length > MAX_KEYS_TEXT ? undefined : parseBody(text))
    if (!data) return undefined
    const keys = keySetOf(data)
    if (keySets.size >= MAX_KEY_SETS) keySets.clear()
    keySets.set(url, { text, keys })
    return keys
  })
}

/** @param set a JSON Web Key Set */
export function keySetOf(set: { keys: { kty: string }[] }): KeySet {
  return createLocalJWKSet(set)
}

/**
 * Returns the URL of the keys of an issuer, as the issuer itself publishes it.
 *
 * @throws Failure `unavailable`
 */
export async function findKeysUrl(issuer: string, fetchPublished: FetchPublished): Promise<string> {
  return (await readConfiguration(issuer, fetchPublished)).jwks_uri
}

/**
 * Returns the configuration that an issuer publishes.
 *
 * @throws Failure `unavailable`
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html
 */
export function readConfiguration(issuer: string, fetchPublished: FetchPublished): Promise<ProviderConfiguration> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  return readUsable(url, fetchPublished, false, (text) => {
    const { data } = z.safeParse(configurationSchema, parseBody(text))
    return data?.issuer === issuer ? data : undefined
  })
}

/** Reads a text again if the one in the cache is not usable. */
async function readUsable<T>(
  url: string,
  fetchPublished: FetchPublished,
  isFresh: boolean,
  parse: (text: string) => T | undefined,
): Promise<T> {
  const usable = parse(await fetchPublished(url, isFresh)) ?? parse(await fetchPublished(url, true))
  if (usable !== undefined) return usable
  throw new Failure('unavailable', `The response of ${url} is not usable to verify a token.`, {
    retryAfter: UNUSABLE_RETRY_SECONDS,
  })
}
