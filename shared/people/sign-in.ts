import * as client from 'openid-client'
import { Failure, messageOf } from '../errors.ts'
import { findTimeProblem, findTokenSignatureProblem, type ReadKeys, readKeySet } from '../sources/id-token.ts'
import { fetchPublished } from '../sources/published.ts'
import { plainSingleLine } from '../text/plain-text.ts'
import { cannotSignIn, readProvider } from './provider.ts'
import type { People } from './secret.ts'

/** Load this module with `import()`: only the page of an approval needs it. */

/** Limit of each request to the provider. */
const TIMEOUT_SECONDS = 2
const CLOCK_DIFFERENCE_SECONDS = 60

/** The secrets of a sign-in that has started. */
export interface StartedSignIn {
  nonce: string
  /** The secret of PKCE: the provider gives tokens only to the page that has started the sign-in. */
  verifier: string
}

/**
 * Starts a sign-in.
 *
 * @param isAgain whether the person has to authenticate even with a session at the provider
 * @param stateOf returns the text that comes back with the person
 * @returns the URL at the provider, and the state
 * @throws Failure `unavailable`
 */
export async function startSignIn(
  people: People,
  redirectUri: string,
  isAgain: boolean,
  stateOf: (started: StartedSignIn) => Promise<string>,
): Promise<{ url: string; state: string }> {
  const configuration = await configurationOf(people)
  const started = { nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() }
  const state = await stateOf(started)
  const { scopes_supported: scopes = [] } = configuration.serverMetadata()
  const asksGroups = people.groupsClaim !== undefined && scopes.includes('groups')
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: `openid email profile${asksGroups ? ' groups' : ''}`,
    response_mode: 'query',
    state,
    nonce: started.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(started.verifier),
    code_challenge_method: 'S256',
    // Not the prompt `login` or `select_account`: some providers refuse the one, some the other.
    ...(isAgain ? { max_age: '0' } : {}),
  })
  return { url: url.href, state }
}

/**
 * Ends a sign-in: gets the tokens of the person, verifies them, and returns the claims.
 *
 * @param query with which the provider has sent the person back
 * @throws Failure `unauthenticated`, `misconfigured`, `unavailable`
 */
export async function finishSignIn(
  people: People,
  redirectUri: string,
  query: Record<string, string | undefined>,
  { nonce, verifier }: StartedSignIn,
): Promise<Record<string, unknown>> {
  const configuration = await configurationOf(people)
  const url = new URL(redirectUri)
  for (const [name, value = ''] of Object.entries(query)) url.searchParams.set(name, value)
  const expected = {
    expectedNonce: nonce,
    expectedState: query['state'] ?? '',
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  }
  try {
    const tokens = await client.authorizationCodeGrant(configuration, url, expected)
    const claims = tokens.claims()
    if (!claims) throw refusal('the provider sent no token of the person')
    await checkToken(tokens.id_token ?? '', claims, configuration.serverMetadata().jwks_uri ?? '')
    return await withUserInfo(configuration, people, tokens.access_token, claims)
  } catch (error) {
    throw failureOf(error, people)
  }
}

/**
 * Checks the times and the signature of a token. Its issuer, audience and nonce are checked before.
 *
 * @throws Failure `unauthenticated`, `unavailable`
 */
async function checkToken(token: string, claims: client.IDToken, keysUrl: string): Promise<void> {
  const now = Date.now()
  const readKeys: ReadKeys = (isFresh) => readKeySet(keysUrl, fetchPublished, isFresh)
  const problem = findTimeProblem(claims, now) ?? (await findTokenSignatureProblem(token, readKeys, now))
  if (problem !== undefined) throw refusal(`the token of the provider is refused: ${problem}`)
}

/** Adds what some providers do not put into the token: the address, and the groups. */
async function withUserInfo(
  configuration: client.Configuration,
  { groupsClaim }: People,
  accessToken: string,
  claims: client.IDToken,
): Promise<Record<string, unknown>> {
  const { email } = claims
  const isComplete = email !== undefined && (groupsClaim === undefined || claims[groupsClaim] !== undefined)
  if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined) return claims
  const more = await client.fetchUserInfo(configuration, accessToken, claims.sub)
  const [first, second] = email === undefined ? [claims, more] : [more, claims]
  // The address, and whether it is verified, must be of the same answer.
  return { ...first, email_verified: undefined, ...second }
}

/** Reads what the provider publishes. Fails for 30 seconds after a failure, without another request. */
async function configurationOf({ issuer, clientId, clientSecret }: People): Promise<client.Configuration> {
  const server = await readProvider(issuer)
  const { token_endpoint_auth_methods_supported: methods = [] } = server
  const authenticate = methods.includes('client_secret_post') ? client.ClientSecretPost : client.ClientSecretBasic
  const metadata = { [client.clockTolerance]: CLOCK_DIFFERENCE_SECONDS }
  const configuration = new client.Configuration(server, clientId, metadata, authenticate(clientSecret))
  configuration.timeout = TIMEOUT_SECONDS
  // The schema of the secret allows HTTP only on this machine.
  if (issuer.startsWith('http:')) client.allowInsecureRequests(configuration)
  return configuration
}

/**
 * Returns the failure for an error of the library, which is not logged: it contains the response, perhaps with tokens. Returns other errors
 * unchanged: they are bugs.
 */
function failureOf(error: unknown, { issuer }: People): unknown {
  if (error instanceof Failure) return error.kind === 'unavailable' ? cannotSignIn(issuer, error) : error
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError) {
    if (error.error === 'invalid_client') return wrongClient()
    return refusal(`the provider has answered "${plainSingleLine(error.error)}"`)
  }
  if (error instanceof client.WWWAuthenticateChallengeError) return wrongClient()
  if (error instanceof client.ClientError)
    return UNUSABLE.has(error.code ?? '') ? cannotSignIn(issuer) : refusal(messageOf(error))
  // The network has failed.
  return error instanceof TypeError && error.cause instanceof Error ? cannotSignIn(issuer) : error
}

const UNUSABLE = new Set(['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'])

function wrongClient(): Failure {
  return new Failure('misconfigured', 'The provider refuses the client. Check clientSecret in the secret people.')
}

function refusal(reason: string): Failure {
  return new Failure('unauthenticated', `You are not signed in: ${reason}. Nothing was decided.`)
}
