import * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { Http } from '../../shared/http/client.ts'
import type { Authorization } from '../../shared/http/options.ts'
import { registerSecret } from '../../shared/redact.ts'

/** Credentials for Litmus: a token, or a user. */
interface Login {
  baseUrl: string
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
}

/** A token must stay valid for the request that uses it. */
const EXPIRY_MARGIN_MS = 30_000
/** Tokens by user; `until` is `EXPIRY_MARGIN_MS` before they expire. */
const tokens = new Map<string, { token: string; until: number }>()

const loginResponse = z.object({
  accessToken: z.string().check(z.minLength(1)),
  expiresIn: z._default(z.number(), 60),
})

/**
 * Authenticates with the token of the connection, or logs in as its user and caches the token until shortly before it expires.
 *
 * @param ca PEM of a certificate authority to trust in addition to the public ones
 * @see https://github.com/litmuschaos/litmus/blob/master/chaoscenter/authentication/api/handlers/rest/user_handlers.go
 * @throws Failure `misconfigured` unless the connection has either a token or a user
 */
export function litmusAuthorization(login: Login, ca: string | undefined): Authorization {
  const { token, username, password } = login
  if (token && !username && !password) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (token || !username || !password)
    throw new Failure('misconfigured', 'The connection to Litmus needs either a token, or a username and a password.')
  const user = { ...login, username, password }
  return {
    headers: async () => ({ authorization: `Bearer ${await fetchToken(user, ca)}` }),
    invalidate: () => void tokens.delete(keyOf(user)),
  }
}

type User = Login & { username: string; password: string }

async function fetchToken(user: User, ca: string | undefined): Promise<string> {
  const key = keyOf(user)
  const cached = tokens.get(key)
  if (cached && cached.until > Date.now()) {
    registerSecret(cached.token)
    return cached.token
  }
  const { baseUrl, username, password } = user
  const http = new Http({ platform: 'Litmus', baseUrl, ca })
  const { body } = await http.post('auth/login', { username, password }, { isRead: true, schema: loginResponse })
  const token = body.accessToken
  registerSecret(token)
  tokens.set(key, { token, until: Date.now() + body.expiresIn * 1_000 - EXPIRY_MARGIN_MS })
  return token
}

function keyOf({ baseUrl, username, password }: User): string {
  return JSON.stringify([baseUrl, username, password])
}
