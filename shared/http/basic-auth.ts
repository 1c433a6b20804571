/**
 * Returns the value of an `authorization` header for HTTP Basic authentication, encoded as UTF-8.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7617
 * @example headers: ({ username, password }) => ({ authorization: basicAuth(username, password) })
 */
export function basicAuth(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}
