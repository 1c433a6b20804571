/** A credential that no fake platform accepts. */
export const INVALID_CREDENTIAL = 'an-invalid-credential-0123456789'

const NAMES = ['token', 'password', 'secret', 'apiKey', 'applicationKey', 'clientSecret']

/** Lists the credentials in a connection, by the names that providers give them. */
export function credentialsIn(connection: Record<string, unknown>): { name: string; value: string }[] {
  return NAMES.filter((name) => name in connection).map((name) => ({ name, value: String(connection[name]) }))
}
