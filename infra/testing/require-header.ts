import type { Call, Reply } from './loopback-server.ts'

/** Returns a check for `refuses`: the reply to requests whose header has none of the accepted values. */
export function requireHeader(
  name: string,
  accepted: string | readonly string[],
  refusal: Reply,
): (call: Call) => Reply | undefined {
  const values = [accepted].flat()
  return ({ headers }) => (values.includes(String(headers[name])) ? undefined : refusal)
}

/** Returns the value of the header `authorization` for a user name and a password. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
