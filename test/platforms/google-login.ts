import { createVerify, generateKeyPairSync } from 'node:crypto'
import { type Call, ok, type Reply } from '../../infra/testing/loopback-server.ts'

interface Proof {
  url: string
  method: string
  headers: { key: string; value: string }[]
}

/** Grants and checks the tokens of Google, for the fakes of its services. */
export interface GoogleLogin {
  serviceAccount: string
  workloadIdentityProvider: string
  /** PEM. Generated when first read, because that takes long. */
  readonly privateKey: string
  /** A token that is always valid. */
  token: string
  /** Tokens that were granted. Tests remove them to let them expire. */
  granted: string[]
  /** Seconds after which new tokens expire. */
  expiresIn: number
  /** Responds to a request for a token, or to one without a valid token. */
  answer(call: Call): Reply | undefined
}

const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform'

/**
 * A fake of the three services of Google that grant tokens.
 *
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 * @see https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
 * @see https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
 */
export function googleLogin(expectedScope = CLOUD_PLATFORM): GoogleLogin {
  let keys: { privateKey: string; publicKey: string } | undefined
  const keyPair = () => {
    keys ??= generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    return keys
  }
  const login: GoogleLogin = {
    serviceAccount: 'webhooks@acme-shop.iam.gserviceaccount.com',
    workloadIdentityProvider: 'projects/123456789012/locations/global/workloadIdentityPools/aws/providers/webhooks',
    get privateKey() {
      return keyPair().privateKey
    },
    token: 'ya29.a-token-of-google',
    granted: [],
    expiresIn: 3_599,
    answer(call) {
      const form = new URLSearchParams(typeof call.body === 'string' ? call.body : '')
      if (call.path === '/token') return signIn(services, form)
      if (call.path === '/v1/token') return exchange(services, form)
      if (call.path.startsWith('/v1/projects/-/serviceAccounts/')) return impersonate(services, call)
      const token = String(call.headers['authorization']).replace('Bearer ', '')
      const isValid = [login.token, ...login.granted].includes(token)
      return isValid
        ? undefined
        : googleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
    },
  }

  const services: Services = { login, expectedScope, federated: [], publicKey: () => keyPair().publicKey }
  return login
}

interface Services {
  login: GoogleLogin
  expectedScope: string
  /** The federated tokens that were granted. */
  federated: string[]
  publicKey(): string
}

function grant(tokens: string[], kind = ''): string {
  const token = `ya29.a-token-of-google-${kind}${tokens.length + 1}`
  tokens.push(token)
  return token
}

/** Grants a token for an assertion that the key of the service account signs. */
function signIn({ login, expectedScope, publicKey }: Services, form: URLSearchParams): Reply {
  const [header = '', payload = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}')
  const verify = createVerify('RSA-SHA256').update(`${header}.${payload}`)
  const isFresh = claims.exp - claims.iat <= 3_600 && claims.exp > Date.now() / 1_000
  const isKnown = claims.iss === login.serviceAccount && claims.aud === 'https://oauth2.googleapis.com/token'
  if (
    form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer' ||
    !isFresh ||
    claims.scope !== expectedScope
  )
    return oauthError('invalid_request', 'The request is not valid.')
  if (!isKnown || !verify.verify(publicKey(), signature, 'base64url'))
    return oauthError('invalid_grant', 'Invalid JWT Signature.')
  return ok({ access_token: grant(login.granted), expires_in: login.expiresIn, token_type: 'Bearer' })
}

/** Grants a federated token for a signed request to AWS. */
function exchange({ login, federated }: Services, form: URLSearchParams): Reply {
  const { audience, grant_type, subject_token_type, subject_token = '' } = Object.fromEntries(form)
  if (grant_type !== 'urn:ietf:params:oauth:grant-type:token-exchange')
    return oauthError('invalid_request', 'The request is not valid.')
  if (audience !== `//iam.googleapis.com/${login.workloadIdentityProvider}`)
    return oauthError('invalid_target', 'The target service indicated by the "audience" parameters is invalid.')
  const proof: Proof = JSON.parse(decodeURIComponent(subject_token))
  const headers = Object.fromEntries(proof.headers.map(({ key, value }) => [key, value]))
  const isSigned = /SignedHeaders=host;x-amz-date;(?:x-amz-security-token;)?x-goog-cloud-target-resource, /
  const isProof =
    subject_token_type === 'urn:ietf:params:aws:token-type:aws4_request' &&
    /^https:\/\/sts\.[\w-]+\.amazonaws\.(?:com|eu)\/\?Action=GetCallerIdentity&Version=2011-06-15$/.test(proof.url) &&
    headers['x-goog-cloud-target-resource'] === audience &&
    isSigned.test(headers['authorization'] ?? '')
  if (!isProof) return oauthError('invalid_grant', 'The AWS request is not valid.')
  return ok({ access_token: grant(federated, 'federation-'), expires_in: login.expiresIn, token_type: 'Bearer' })
}

/** Grants a token of the service account for a federated one. */
function impersonate({ login, expectedScope, federated }: Services, { path, headers, body }: Call): Reply {
  const { scope } = body as { scope: string[] }
  if (!federated.includes(String(headers['authorization']).replace('Bearer ', '')) || scope[0] !== expectedScope)
    return googleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
  if (!path.endsWith(`/${login.serviceAccount}:generateAccessToken`))
    return googleError(403, 'PERMISSION_DENIED', "Permission 'iam.serviceAccounts.getAccessToken' denied on resource.")
  const expireTime = new Date(Date.now() + login.expiresIn * 1_000).toISOString()
  return ok({ accessToken: grant(login.granted), expireTime })
}

/** Returns an error of an API of Google. */
export function googleError(code: number, status: string, message: string): Reply {
  return { status: code, body: { error: { code, message, status } } }
}

function oauthError(error: string, error_description: string): Reply {
  return { status: 400, body: { error, error_description } }
}
