import { findTimeProblem, findTokenSignatureProblem, isFor, readClaims, readKeySet } from './id-token.ts'
import type { FetchPublished } from './published.ts'
import type { HeaderNames } from './source-type.ts'

/** Load this module with `import()`: only sources of Google need it. */

const KEYS_URL = 'https://www.googleapis.com/oauth2/v3/certs'
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com']

/**
 * Verifies the token that Pub/Sub sends with a push. Compares its claims before keys are fetched, so that tokens of others
 * cause no requests. Checks the account, too: every customer of Google can get a token for our audience.
 *
 * @returns the problem, for the sender; undefined if the token is valid
 * @throws Failure `unavailable`
 * @see https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
 */
export async function findGoogleTokenProblem(
  headers: HeaderNames,
  { serviceAccount, audience }: { serviceAccount: string; audience: string },
  now: number,
  fetchPublished: FetchPublished,
): Promise<string | undefined> {
  const [, token] = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(headers['authorization'] ?? '') ?? []
  if (token === undefined) return 'The request has no token of Google. Enable authentication of the push subscription.'
  const claims = readClaims(token)
  if (!claims || !ISSUERS.includes(claims.iss) || claims['email_verified'] !== true) return WRONG
  if (!isFor(audience, claims))
    return 'The token has another audience than the source. Enter the same one at the subscription.'
  if (claims['email'] !== serviceAccount) return 'The token is of another service account than that of the source.'
  const problem =
    findTimeProblem(claims, now) ??
    (await findTokenSignatureProblem(token, (isFresh) => readKeySet(KEYS_URL, fetchPublished, isFresh), now))
  return problem && `${WRONG.slice(0, -1)}: ${problem}.`
}

const WRONG = 'The token is not a valid token of Google.'
