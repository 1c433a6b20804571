import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { Http } from '../../../shared/http/client.ts'
import type { Authorization } from '../../../shared/http/options.ts'
import { TokenCache } from '../../../shared/http/token-cache.ts'

/** Credentials for Litmus: a token, or a user. */
interface Login {
  baseUrl: string
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
}

/** A token must stay valid for the request that uses it. */
const tokens = new TokenCache(30_000)

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
  const { baseUrl, token, username, password } = login
  if (token && !username && !password) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (token || !username || !password)
    throw new Failure('misconfigured', 'The connection to Litmus needs either a token, or a username and a password.')
  const key = JSON.stringify([baseUrl, username, password])
  return {
    async headers(_request, deadlineAt) {
      const token = await tokens.get(key, async () => {
        const http = new Http({ platform: 'Litmus', baseUrl, ca, deadlineAt })
        const { body } = await http.post('auth/login', { username, password }, { isRead: true, schema: loginResponse })
        return { token: body.accessToken, expiresAt: Date.now() + body.expiresIn * 1_000 }
      })
      return { authorization: `Bearer ${token}` }
    },
    invalidate: () => tokens.delete(key),
  }
}
