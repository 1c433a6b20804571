import { createVerify, type KeyObject } from 'node:crypto'
import { jsonObject } from '../sandbox/http.ts'

const MAX_SECONDS = 600
const CLOCK_SKEW_SECONDS = 60

/**
 * Whether GitHub accepts a JSON Web Token of an App.
 *
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
export function isAppToken(token: string, appIds: string[], publicKey: KeyObject): boolean {
  const [header = '', claims = '', signature = '', ...more] = token.split('.')
  const decode = (part: string) => jsonObject(Buffer.from(part, 'base64url').toString('utf8')) ?? {}
  const { iat, exp, iss } = decode(claims)
  const now = Date.now() / 1_000
  return (
    more.length === 0 &&
    decode(header)['alg'] === 'RS256' &&
    createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url') &&
    appIds.includes(String(iss)) &&
    Number(iat) <= now &&
    Number(exp) > now &&
    Number(exp) <= now + MAX_SECONDS + CLOCK_SKEW_SECONDS
  )
}
