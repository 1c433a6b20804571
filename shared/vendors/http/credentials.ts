import { registerSecret } from '../../redact.ts'
import type { Login } from './login.ts'
import type { ReadRequest } from './request.ts'

/** What every connection to an HTTP API has, for every kind of provider. */
export interface HttpConnection {
  baseUrl?: string | undefined
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
  headers?: Record<string, string> | undefined
  secretHeaders?: Record<string, string> | undefined
  login?: Login | undefined
  idempotencyHeader?: string | undefined
  error?: string | undefined
  reason?: string | undefined
  check?: ReadRequest | undefined
}

/** The headers that the connection lists. */
export function listedHeaders({ headers, secretHeaders }: HttpConnection): Record<string, string> {
  const listed = Object.entries({ ...headers, ...secretHeaders })
  return Object.fromEntries(listed.map(([name, value]) => [name.toLowerCase(), value]))
}

/** Basic authentication, if the connection has a user. */
export function basicHeader({ username, password }: HttpConnection): Record<string, string> {
  if (username === undefined || password === undefined) return {}
  const value = Buffer.from(`${username}:${password}`, 'utf8').toString('base64')
  registerSecret(value)
  return { authorization: `Basic ${value}` }
}
