import { createServer, type Server } from 'node:http'
import Provider from 'oidc-provider'
import { listen } from '../listen.ts'

const CLIENT_SECRET = 'a-client-secret-of-the-tests-0123456789'

/** A certified OpenID provider, at which a program gets a token for an audience. */
export interface RunningProvider {
  issuer: string
  server: Server
  /** Returns a token for an audience. */
  token(audience: string): Promise<string>
}

/**
 * Starts the provider on this machine.
 *
 * @param client the id of the program, which is the subject of its tokens
 * @param claims further claims of its tokens
 */
export async function startProvider(client: string, claims: object): Promise<RunningProvider> {
  const server = createServer()
  const issuer = `http://127.0.0.1:${await listen(server)}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client,
        client_secret: CLIENT_SECRET,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_: unknown, audience: string) => ({ audience, scope: '', accessTokenFormat: 'jwt' }),
      },
    },
    extraTokenClaims: () => claims,
  })
  server.on('request', provider.callback())
  return {
    issuer,
    server,
    async token(resource) {
      const body = { grant_type: 'client_credentials', client_id: client, client_secret: CLIENT_SECRET, resource }
      const response = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(body) })
      return ((await response.json()) as { access_token: string }).access_token
    },
  }
}
