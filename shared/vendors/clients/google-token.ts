import * as z from 'zod/mini'
import { fromNodeProviderChain } from '../../aws/credentials.ts'
import { domainOf } from '../../aws/endpoint.ts'
import { sign } from '../../aws/signature.ts'
import { Failure } from '../../errors.ts'
import { Http } from '../../http/client.ts'
import type { SignInOptions } from '../../http/options.ts'
import { segment } from '../../http/segment.ts'
import { registerSecret } from '../../redact.ts'
import { signJwt } from './jwt.ts'

/** Load this module with `import()`: few connections need it, and node:crypto takes long to load. */

/** How a connection signs in to Google. */
export interface GoogleSignIn {
  scope: string
  /** Email address of the service account. */
  serviceAccount?: string | undefined
  /** PEM. */
  privateKey?: string | undefined
  /** Resource name of a provider for AWS in a workload identity pool. */
  workloadIdentityProvider?: string | undefined
  /** Replaces the URLs of Google for tokens. */
  loginUrl?: string | undefined
}

const TOKEN_SECONDS = 3_600

const granted = z.object({ access_token: z.string().check(z.minLength(1)), expires_in: z._default(z.number(), 60) })
const impersonated = z.object({ accessToken: z.string().check(z.minLength(1)), expireTime: z.string() })

/**
 * Requests an access token.
 *
 * @throws Failure `misconfigured`
 */
export async function fetchGoogleToken(signIn: GoogleSignIn, options: SignInOptions) {
  const { serviceAccount, privateKey, workloadIdentityProvider } = signIn
  if (workloadIdentityProvider !== undefined && privateKey === undefined) {
    const federated = await exchangeRole(signIn, workloadIdentityProvider, options)
    return serviceAccount === undefined ? federated : impersonate(signIn, serviceAccount, federated.token, options)
  }
  if (serviceAccount !== undefined && privateKey !== undefined && workloadIdentityProvider === undefined)
    return signInWithKey(signIn, serviceAccount, privateKey, options)
  throw new Failure(
    'misconfigured',
    'The connection to Google needs serviceAccount and privateKey, or workloadIdentityProvider.',
  )
}

/** @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
async function signInWithKey(signIn: GoogleSignIn, account: string, privateKey: string, options: SignInOptions) {
  const aud = 'https://oauth2.googleapis.com/token'
  const iat = Math.floor(Date.now() / 1_000)
  const claims = { iss: account, scope: signIn.scope, aud, iat, exp: iat + TOKEN_SECONDS }
  const assertion = signJwt(claims, privateKey, 'the service account')
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
  return requestToken(signIn, aud, form, options)
}

/**
 * Exchanges the AWS role of the function for a federated token. The proof of the role is a signed request that Google sends to AWS STS.
 *
 * @see https://cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds#rest
 */
async function exchangeRole(signIn: GoogleSignIn, provider: string, options: SignInOptions) {
  const audience = `//iam.googleapis.com/${provider}`
  const region = process.env['AWS_REGION'] ?? 'us-east-1'
  const url = new URL(`https://sts.${region}.${domainOf(region)}/?Action=GetCallerIdentity&Version=2011-06-15`)
  const signer = { ...(await fromNodeProviderChain()()), service: 'sts', region }
  const headers = { 'x-goog-cloud-target-resource': audience }
  const signed = sign({ method: 'POST', url, headers, body: '' }, signer, new Date())
  const proof = {
    url: url.href,
    method: 'POST',
    headers: Object.entries(signed).map(([key, value]) => ({ key, value })),
  }
  const subjectToken = encodeURIComponent(JSON.stringify(proof))
  registerSecret(subjectToken)
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
    subject_token: subjectToken,
  }
  return requestToken(signIn, 'https://sts.googleapis.com/v1/token', form, options)
}

async function requestToken(signIn: GoogleSignIn, url: string, form: Record<string, string>, options: SignInOptions) {
  const { http, path } = clientOf(signIn, url, options)
  const { body } = await http.post(path, new URLSearchParams(form).toString(), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    isRead: true,
    schema: granted,
  })
  return { token: body.access_token, expiresAt: Date.now() + body.expires_in * 1_000 }
}

/** @see https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken */
async function impersonate(signIn: GoogleSignIn, account: string, token: string, options: SignInOptions) {
  registerSecret(token)
  const url = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${segment(account)}:generateAccessToken`
  const { http, path } = clientOf(signIn, url, options, { authorization: `Bearer ${token}` })
  const body = { scope: [signIn.scope], lifetime: `${TOKEN_SECONDS}s` }
  const { accessToken, expireTime } = (await http.post(path, body, { isRead: true, schema: impersonated })).body
  return { token: accessToken, expiresAt: Date.parse(expireTime) }
}

/** Google refuses a sign-in with 400 or 403, which the owner of the connection can change. */
function clientOf({ loginUrl }: GoogleSignIn, url: string, options: SignInOptions, headers = {}) {
  const { origin, pathname } = new URL(url)
  const isCredentialsError = (status: number) => status === 400 || status === 403
  const http = new Http({ platform: 'Google', baseUrl: loginUrl ?? origin, ...options, headers, isCredentialsError })
  return { http, path: pathname.slice(1) }
}
