import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { ok, type Served, serve } from '../../infra/testing/loopback-server.ts'

/** A key pair of an issuer. */
export interface SigningKey {
  kid: string
  alg: string
  privateKey: CryptoKey
  publicKey: CryptoKey
  publicJwk: JWK
}

export async function signingKey(kid: string, alg = 'RS256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, publicKey, publicJwk: { ...(await exportJWK(publicKey)), kid } }
}

/** An issuer of tokens that publishes its keys, as CI systems do. */
export interface Issuer extends Served {
  /** The public keys that it publishes. */
  keys: JWK[]
  /** Replaces fields of its configuration. */
  configuration: object
}

export async function startIssuer(...keys: SigningKey[]): Promise<Issuer> {
  const server = await serve(({ path }) => {
    if (path === '/jwks') return ok({ keys: issuer.keys })
    if (path !== '/.well-known/openid-configuration') return { status: 404 }
    return ok({ issuer: server.url, jwks_uri: `${server.url}/jwks`, ...issuer.configuration })
  })
  const issuer: Issuer = Object.assign(server, { keys: keys.map(({ publicJwk }) => publicJwk), configuration: {} })
  return issuer
}

/** Returns a token. Undefined claims are omitted. */
export function issueToken(
  { kid, alg, privateKey }: SigningKey,
  claims: Record<string, unknown>,
  header: object = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(privateKey)
}
