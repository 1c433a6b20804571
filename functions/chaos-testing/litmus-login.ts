import * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { type Authorization, Http } from '../../shared/http/client.ts'
import { registerSecret } from '../../shared/redact.ts'

/** Who calls Litmus: a token, or a user. */
interface Login {
  baseUrl: string
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
}

/** Fetched again this long before it expires, in milliseconds: it must last for the request, too. */
const margin = 30_000
/** Until `margin` before they expire. */
const tokens = new Map<string, { token: string; until: number }>()

const granted = z.object({ accessToken: z.string().check(z.minLength(1)), expiresIn: z._default(z.number(), 60) })

/**
 * Authenticates with the token of the connection, or with one that a login gives, which is kept until shortly before it
 * expires.
 *
 * @param ca PEM of a certificate authority to trust beside the public ones
 * @see https://github.com/litmuschaos/litmus/blob/master/chaoscenter/authentication/api/handlers/rest/user_handlers.go
 * @throws Failure `misconfigured` where there are both, or neither
 */
export function litmusAuthorization(login: Login, ca: string | undefined): Authorization {
  const { token, username, password } = login
  if (token && !username && !password) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (token || !username || !password)
    throw new Failure('misconfigured', 'The connection to Litmus needs either a token, or username and password.')
  const user = { ...login, username, password }
  return {
    headers: async () => ({ authorization: `Bearer ${await fetchToken(user, ca)}` }),
    invalidate: () => void tokens.delete(keyOf(user)),
  }
}

type User = Login & { username: string; password: string }

async function fetchToken(user: User, ca: string | undefined): Promise<string> {
  const key = keyOf(user)
  const known = tokens.get(key)
  if (known && known.until > Date.now()) {
    registerSecret(known.token)
    return known.token
  }
  const { baseUrl, username, password } = user
  const http = new Http({ platform: 'Litmus', baseUrl, ca })
  const { body } = await http.post('auth/login', { username, password }, { isRead: true, schema: granted })
  const token = body.accessToken
  registerSecret(token)
  tokens.set(key, { token, until: Date.now() + body.expiresIn * 1_000 - margin })
  return token
}

function keyOf({ baseUrl, username, password }: User): string {
  return JSON.stringify([baseUrl, username, password])
}
