import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { parseBody } from '../http/parse-body.ts'
import type { FetchPublished } from './published.ts'
import type { Names } from './source-type.ts'

/** Load this module with `import()`: only sources of Google need it. */

const KEYS_URL = 'https://www.googleapis.com/oauth2/v3/certs'
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com']
/** How far the clocks of Google and of the function may differ. */
const CLOCK_DIFFERENCE_SECONDS = 60

const header = z.object({ alg: z.literal('RS256'), kid: z.string().check(z.maxLength(255)) })
const claims = z.object({
  iss: z.string(),
  aud: z.string(),
  email: z.string(),
  email_verified: z.literal(true),
  exp: z.number(),
  iat: z.number(),
})
const text = z.optional(z.string())
const keySet = z.object({ keys: z.array(z.object({ kid: z.string(), kty: z.string(), n: text, e: text })) })

/**
 * Verifies the token that Pub/Sub sends with a push. Compares its claims before keys are fetched, so that tokens of others
 * cause no requests. Checks the account, too: every customer of Google can get a token for our audience.
 *
 * @returns the problem, for the sender; undefined if the token is valid
 * @throws Failure `unavailable`
 * @see https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
 */
export async function findGoogleTokenProblem(
  headers: Names,
  { serviceAccount, audience }: { serviceAccount: string; audience: string },
  now: number,
  fetchPublished: FetchPublished,
): Promise<string | undefined> {
  const [, signed = '', head, body, signature] =
    /^Bearer +(([\w-]+)\.([\w-]+))\.([\w-]+)$/i.exec(headers['authorization'] ?? '') ?? []
  if (head === undefined || body === undefined || signature === undefined)
    return 'The request has no token of Google. Enable authentication of the push subscription.'
  const parsedHeader = z.safeParse(header, parseBody(Buffer.from(head, 'base64url').toString('utf8')))
  const parsedClaims = z.safeParse(claims, parseBody(Buffer.from(body, 'base64url').toString('utf8')))
  if (!parsedHeader.success || !parsedClaims.success) return WRONG
  const { iss, aud, email, exp, iat } = parsedClaims.data
  if (!ISSUERS.includes(iss)) return WRONG
  if (aud !== audience) return 'The token has another audience than the source. Enter the same one at the subscription.'
  if (email !== serviceAccount) return 'The token is of another service account than that of the source.'
  const seconds = now / 1_000
  if (exp + CLOCK_DIFFERENCE_SECONDS < seconds || iat - CLOCK_DIFFERENCE_SECONDS > seconds)
    return 'The token has expired, or is not valid yet.'
  const { kid } = parsedHeader.data
  const key = keyIn(await fetchPublished(KEYS_URL), kid) ?? keyIn(await fetchPublished(KEYS_URL, true), kid)
  if (key === undefined) return WRONG
  const isValid = verify(
    'RSA-SHA256',
    Buffer.from(signed),
    createPublicKey({ key, format: 'jwk' }),
    Buffer.from(signature, 'base64url'),
  )
  return isValid ? undefined : WRONG
}

const WRONG = 'The token is not a valid token of Google.'

/** @throws Failure `unavailable` */
function keyIn(text: string, kid: string): JsonWebKey | undefined {
  const parsed = z.safeParse(keySet, parseBody(text))
  if (parsed.success) return parsed.data.keys.find((key) => key.kid === kid && key.kty === 'RSA')
  throw new Failure('unavailable', 'Google returned no set of keys.')
}
