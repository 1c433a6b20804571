import { Failure } from '../errors.ts'
import { isSame } from '../hmac.ts'
import { basicAuth } from '../http/basic-auth.ts'
import { registerSecret } from '../redact.ts'
import type { FetchPublished } from './published.ts'
import { headersCoveredBy, type SignatureScheme, signatureSchemes } from './schemes.ts'
import type { SourceSecret } from './secret.ts'
import type { HeaderNames, SourceType } from './source-type.ts'
import { findSignatureProblem, type SignedRequest } from './verify.ts'

/** A request of a source. */
export interface NotificationRequest extends SignedRequest {
  query: HeaderNames
}

/**
 * Verifies that a request is from the sender. The fields of the secret say how; a signature is never optional.
 *
 * @param now epoch milliseconds
 * @returns the headers that count: all with a token or a password; with a signature those that it covers, and the name of the event
 * @throws Failure `unauthenticated`, `misconfigured`, `unavailable`
 */
export async function authenticateSource(
  type: SourceType,
  request: NotificationRequest,
  secret: SourceSecret,
  now: number,
  fetchPublished: FetchPublished,
): Promise<HeaderNames> {
  for (const key of secret.keys ?? []) registerSecret(key)
  const scheme = schemeOf(type, request, secret)
  const problem = scheme
    ? findSignatureProblem(scheme, secret.keys ?? [], request, now)
    : await findProblem(type, request, secret, now, fetchPublished)
  if (problem === undefined)
    return scheme ? headersOf(request, [...headersCoveredBy(scheme), type.eventHeader]) : request.headers
  // Some senders send a password only after a challenge.
  const challenge = secret.user === undefined ? 'Bearer' : 'Basic realm="webhooks"'
  throw new Failure('unauthenticated', problem, { headers: { 'www-authenticate': challenge } })
}

/** Returns the scheme by which a request is verified. Undefined if its source has no signing key. */
function schemeOf(
  { signatures }: SourceType,
  request: NotificationRequest,
  { keys }: SourceSecret,
): SignatureScheme | undefined {
  if (!signatures || !keys) return undefined
  const schemes = signatures.map((name) => signatureSchemes[name])
  return schemes.find((known) => hasHeaders(known, request)) ?? schemes[0]
}

function headersOf({ headers }: NotificationRequest, names: readonly (string | undefined)[]): HeaderNames {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.includes(name)))
}

async function findProblem(
  type: SourceType,
  request: NotificationRequest,
  secret: SourceSecret,
  now: number,
  fetchPublished: FetchPublished,
): Promise<string | undefined> {
  const { token, user, password, serviceAccount, audience, topics } = secret
  if (type.publishedKeys === 'google' && serviceAccount && audience) {
    const { findGoogleTokenProblem } = await import('./google-token.ts')
    return findGoogleTokenProblem(request.headers, { serviceAccount, audience }, now, fetchPublished)
  }
  if (type.publishedKeys === 'sns' && topics) {
    const { findSnsProblem } = await import('./sns-signature.ts')
    return findSnsProblem(request.rawBody, topics, now, fetchPublished)
  }
  if (type.token && token) return findTokenProblem(type.token, request, token)
  if (type.basic && user !== undefined && password) {
    const { authorization } = request.headers
    if (authorization === undefined) return missing('user and password of the source (HTTP Basic)')
    return isSame(authorization, basicAuth(user, password)) ? undefined : WRONG
  }
  throw new Failure(
    'misconfigured',
    `The secret of the source has no credentials for ${type.title}. Add ${fieldsOf(type).join(', or ')}.`,
  )
}

/** Whether a request has the headers of a scheme: the signature, and the time if that has its own header. */
function hasHeaders({ header, time }: SignatureScheme, { headers }: NotificationRequest): boolean {
  return [header, ...(time !== undefined && 'header' in time ? [time.header] : [])].every(
    (name) => headers[name] !== undefined,
  )
}

const WRONG = 'The credentials do not match those of the source. Enter those of its secret at the sender.'

function missing(credentials: string): string {
  return `The request has no credentials. Let the sender send ${credentials}.`
}

function findTokenProblem(
  places: NonNullable<SourceType['token']>,
  { headers, query }: NotificationRequest,
  token: string,
): string | undefined {
  const sent = places.map((place) => {
    if (place === 'bearer') return /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1]
    return place === 'query' ? query['token'] : headers[place]
  })
  // Every place is compared, so that the duration does not show which one matches.
  if (sent.map((value) => isSame(value ?? '', token)).includes(true)) return undefined
  if (sent.some((value) => value !== undefined)) return WRONG
  const names = { bearer: 'as a bearer token', query: 'in the query parameter token' }
  return missing(
    `the token ${places.map((place) => names[place as keyof typeof names] ?? `in the header ${place}`).join(', or ')}`,
  )
}

/** Returns the fields of the secret by which requests of a type can be verified, as alternatives. */
function fieldsOf({ signatures, publishedKeys, token, basic }: SourceType): string[] {
  return [
    ...(signatures ? ['keys'] : []),
    ...(publishedKeys === 'google' ? ['serviceAccount and audience'] : []),
    ...(publishedKeys === 'sns' ? ['topics'] : []),
    ...(token ? ['token'] : []),
    ...(basic ? ['user and password'] : []),
  ]
}
