import { registerSecret } from '../../redact.ts'

/** The connection fields that requests use. */
export interface HttpCredentials {
  baseUrl?: string | undefined
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
  headers?: Record<string, string> | undefined
  secretHeaders?: Record<string, string> | undefined
  secrets?: Record<string, string> | undefined
  idempotencyHeader?: string | undefined
  error?: string | undefined
  reason?: string | undefined
}

/** Returns the configured headers, with names in lower case. */
export function listedHeaders({ headers, secretHeaders }: HttpCredentials): Record<string, string> {
  const listed = Object.entries({ ...headers, ...secretHeaders })
  return Object.fromEntries(listed.map(([name, value]) => [name.toLowerCase(), value]))
}

/** Returns the header for Basic authentication, if the connection has a user. */
export function basicHeader({ username, password }: HttpCredentials): Record<string, string> {
  if (username === undefined || password === undefined) return {}
  const value = Buffer.from(`${username}:${password}`, 'utf8').toString('base64')
  registerSecret(value)
  return { authorization: `Basic ${value}` }
}
