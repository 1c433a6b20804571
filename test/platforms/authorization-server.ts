import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { exportJWK } from 'jose'
import Provider from 'oidc-provider'
import { closeServer } from '../../infra/local/port.ts'
import { listen } from '../listen.ts'
import { issueToken, type SigningKey } from './issuer.ts'
import { SignInClient } from './sign-in-client.ts'

const SCOPES = 'actions:read actions:write'

/** A certified OpenID provider at which clients register themselves, people sign in, and each token is for one resource. */
export class AuthorizationServer {
  readonly issuer: string
  readonly #server: Server
  readonly #port: number
  readonly #people: Record<string, object>
  #key: SigningKey
  #listener: RequestListener

  private constructor(server: Server, port: number, key: SigningKey, people: Record<string, object>) {
    this.issuer = `http://127.0.0.1:${port}`
    this.#server = server
    this.#port = port
    this.#people = people
    this.#key = key
    this.#listener = (_, res) => res.writeHead(503).end()
    server.on('request', (req, res) => this.#listener(req, res))
  }

  /**
   * Starts it on this machine.
   *
   * @param people the claims of each person, by login
   */
  static async start(key: SigningKey, people: Record<string, object>): Promise<AuthorizationServer> {
    const server = createServer()
    const started = new AuthorizationServer(server, await listen(server), key, people)
    await started.rotate(key)
    return started
  }

  /** Replaces the key with which it signs. Clients and sessions stay. */
  async rotate(key: SigningKey): Promise<void> {
    this.#key = key
    const jwk = { ...(await exportJWK(key.privateKey)), kid: key.kid, use: 'sig', alg: key.alg }
    const configuration = {
      jwks: { keys: [jwk] },
      // Clients register with the scopes that they learn from the resource.
      scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
      cookies: { keys: ['a-cookie-key-of-the-tests'] },
      ttl: { AccessToken: 600, Grant: 3_600, Session: 3_600, Interaction: 600, RefreshToken: 3_600 },
      issueRefreshToken: () => true,
      features: {
        registration: { enabled: true },
        devInteractions: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_: unknown, audience: string) => ({
            audience,
            scope: SCOPES,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: key.alg } },
          }),
          useGrantedResource: () => true,
        },
      },
      findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub, ...this.#people[sub] }) }),
      extraTokenClaims: (_: unknown, { accountId }: { accountId: string }) => this.#people[accountId],
    }
    this.#listener = withoutWarnings(() => new Provider(this.issuer, configuration)).callback()
  }

  /** Signs a token itself, such as one that has expired. */
  sign(claims: Record<string, unknown>, header: object = {}): Promise<string> {
    const iat = Math.floor(Date.now() / 1_000)
    return issueToken(this.#key, { iss: this.issuer, iat, exp: iat + 300, ...claims }, { typ: 'at+jwt', ...header })
  }

  async stop(): Promise<void> {
    await closeServer(this.#server)
  }

  async startAgain(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Registers a client, lets a person sign in, and returns the token. */
  async tokenOf(login: string, resource: string, scope = SCOPES): Promise<string> {
    const redirect_uri = 'http://127.0.0.1/signed-in'
    const registered = await this.#post('/reg', JSON.stringify(publicClient(redirect_uri)), 'application/json')
    const { client_id } = registered as { client_id: string }
    const code_verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(code_verifier).digest('base64url')
    const url = new URL(`${this.issuer}/auth`)
    const request = { client_id, redirect_uri, resource, scope, response_type: 'code' }
    url.search = String(new URLSearchParams({ ...request, code_challenge: challenge, code_challenge_method: 'S256' }))
    const code = (await signIn(url, login)).searchParams.get('code') ?? ''
    const body = { grant_type: 'authorization_code', client_id, redirect_uri, code, code_verifier, resource }
    const { access_token } = (await this.#post('/token', new URLSearchParams(body))) as { access_token: string }
    return access_token
  }

  async #post(path: string, body: string | URLSearchParams, type?: string): Promise<unknown> {
    const headers = type === undefined ? {} : { 'content-type': type }
    const response = await fetch(`${this.issuer}${path}`, { method: 'POST', body, headers })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }
}

/** The provider warns of its store and of its pages, which are for tests. */
function withoutWarnings<T>(create: () => T): T {
  const { warn } = console
  console.warn = () => {}
  try {
    return create()
  } finally {
    console.warn = warn
  }
}

/** The metadata of a client without a secret, which registers itself. */
export function publicClient(redirectUri: string): object {
  return {
    client_name: 'An agent',
    application_type: 'native',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
}

/** Does in a browser what a person does: opens a page of the provider, signs in, and agrees. Returns where it is sent then. */
export function signIn(page: URL, login: string): Promise<URL> {
  return new SignInClient(() => Promise.reject(new Error('The provider has all pages.'))).authenticate(page, login)
}
