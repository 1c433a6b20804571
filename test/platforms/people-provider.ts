import { once } from 'node:events'
import { createServer } from 'node:http'
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import { listen } from '../listen.ts'

const CLIENT = { clientId: 'approvals', clientSecret: 'a-client-secret-of-the-tests-0123456789' }

/** The claims of each person, by the name with which the person signs in. */
const people: Record<string, Record<string, unknown>> = {
  jane: { name: 'Jane Doe', email: 'Jane@example.com', email_verified: true, groups: ['sre', 'staff'] },
  ben: { name: 'Ben Roe', email: 'ben@example.com', email_verified: true, groups: ['staff'] },
  kim: { name: 'Kim Lee', email: 'kim@example.com', email_verified: true },
  unverified: { name: 'Not Jane', email: 'jane@example.com', email_verified: false, groups: ['sre'] },
  entra: { name: 'Not Jane', email: 'jane@example.com', groups: ['sre'] },
  stranger: { name: 'Jane Doe', email: 'jane@example.org', email_verified: true, groups: ['sre'] },
  kelvin: { name: 'Not Kim', email: '\u212aim@example.com', email_verified: true },
}

/** A certified OpenID provider at which people sign in with a form, and which can misbehave. */
export interface PeopleProvider {
  issuer: string
  /** The secret `people`. */
  secret: { issuer: string; clientId: string; clientSecret: string; groupsClaim: string; domains: string[] }
  /** Method and path of each request. */
  requests: string[]
  /** Changes the claims of the tokens of people. The provider signs them, too. */
  change: ((claims: JWTPayload) => JWTPayload) | undefined
  /** Signs the tokens of people with a key that it does not publish. */
  forges: boolean
  /** Does not answer requests for tokens. */
  hangs: boolean
  /** Answers requests for tokens with this status. */
  tokenStatus: number | undefined
  /** Returns a token of a person, as after a sign-in. */
  tokenOf(person: string, more?: JWTPayload): Promise<string>
  /** Registers the page. */
  register(redirectUri: string): Promise<void>
  /** Replaces the key. */
  rotate(): Promise<void>
  close(): Promise<void>
  restart(): Promise<void>
}

/**
 * Starts the provider on this machine.
 *
 * @param tokensAreComplete whether tokens have all claims. Otherwise, they have to be read with another request
 */
export async function startPeopleProvider(tokensAreComplete = true): Promise<PeopleProvider> {
  const server = createServer()
  const port = await listen(server)
  const issuer = `http://127.0.0.1:${port}`
  let [redirectUris, key, forged]: [string[], Key, Key] = [[], await createKey(), await createKey()]
  let answer = await create()

  async function create() {
    const provider = new Provider(issuer, configurationOf(redirectUris, key, tokensAreComplete))
    provider.use(async (context, next) => {
      await next()
      const { body } = context
      if (context.path !== '/token' || body?.id_token === undefined) return
      const claims = decodeJwt(body.id_token)
      if (running.change || running.forges)
        body.id_token = await sign(
          running.change?.(claims) ?? claims,
          running.forges ? { ...forged, kid: key.kid } : key,
        )
    })
    return provider.callback()
  }
  server.on('request', (request, response) => {
    running.requests.push(`${request.method} ${request.url?.split('?')[0]}`)
    if (running.hangs && request.url === '/token') return
    if (running.tokenStatus !== undefined && request.url === '/token') response.writeHead(running.tokenStatus).end()
    else answer(request, response)
  })
  const running: PeopleProvider = {
    issuer,
    secret: { issuer, ...CLIENT, groupsClaim: 'groups', domains: ['example.com'] },
    requests: [],
    change: undefined,
    forges: false,
    hangs: false,
    tokenStatus: undefined,
    tokenOf(person, more) {
      const now = Math.floor(Date.now() / 1_000)
      const claims = { iss: issuer, aud: CLIENT.clientId, sub: person, iat: now, exp: now + 300 }
      return sign({ ...claims, ...people[person], ...more }, key)
    },
    async register(redirectUri) {
      redirectUris = [redirectUri]
      answer = await create()
    },
    async rotate() {
      key = await createKey()
      answer = await create()
    },
    async close() {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
    async restart() {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
  return running
}

type Key = Awaited<ReturnType<typeof createKey>>
let keys = 0

async function createKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = `key-${++keys}`
  return { kid, privateKey, jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } }
}

function sign(claims: JWTPayload, { kid, privateKey }: Key): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey)
}

function configurationOf(redirectUris: string[], { jwk }: Key, tokensAreComplete: boolean): object {
  return {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: redirectUris,
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    jwks: { keys: [jwk] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    conformIdTokenClaims: !tokensAreComplete,
    pkce: { required: () => true },
    ttl: { IdToken: 300, AccessToken: 300, AuthorizationCode: 60, Grant: 3_600, Interaction: 600, Session: 3_600 },
    findAccount: (_: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, ...people[accountId] }),
    }),
    cookies: { keys: ['a-cookie-key-of-the-tests'] },
  }
}
