import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { headers, optional, secret, secretHeaders, url, word } from '../../fields.ts'
import type { Authorization } from '../../http/client.ts'
import type { Client } from '../../providers/provider.ts'
import { basicHeader, type HttpCredentials, listedHeaders } from './credentials.ts'
import { expression, type Names, shown } from './expression.ts'
import { type Login, loginAuthorization, loginField } from './login.ts'
import { type ReadRequest, read, readField } from './request.ts'

/** The fields of every HTTP connection, for every kind of provider. */
interface HttpConnection extends HttpCredentials {
  login?: Login | undefined
  check?: ReadRequest | undefined
}

/** The fields that every connection to an HTTP API has, for every kind of provider. */
const httpFields = {
  baseUrl: url('Where the API is: every request goes below it'),
  token: optional(secret('A bearer token, sent as Authorization')),
  username: optional(word('With password: sent as Basic, or used by login')),
  password: optional(secret('The password of username')),
  headers: optional(
    headers(
      'Headers of every request. Those whose names contain auth, cookie, credential, key, passw, secret, session, signature or token are secret',
    ),
  ),
  secretHeaders: optional(
    secretHeaders('Headers of every request that are secret, although their names do not say so'),
  ),
  login: optional(loginField),
  idempotencyHeader: optional(
    word('The header that makes a repeat the same request, if the API has one: Idempotency-Key'),
  ),
  error: optional(expression('Finds the error in a response of success: response.error. What it finds is a refusal')),
  reason: optional(expression('Finds the words of an error in a response, if they are in an unusual place')),
  check: optional(readField('The cheapest request that needs the credentials')),
}

/** How every HTTP API is called. */
export const httpApi = {
  headers(connection: HttpConnection): Record<string, string> {
    const { token, login } = connection
    return {
      ...(login ? {} : basicHeader(connection)),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...listedHeaders(connection),
    }
  },
  authorization(connection: HttpConnection, ca: string | undefined): Authorization | undefined {
    return connection.login && loginAuthorization(connection, connection.login, ca)
  },
  isCredentialsError(status: number, _body: unknown, { login }: HttpConnection): boolean {
    return login?.expired?.includes(status) ?? false
  },
  hasIdempotentWrites: ({ idempotencyHeader }: HttpConnection): boolean => idempotencyHeader !== undefined,
  async check(client: Client<HttpConnection>): Promise<unknown> {
    const { check } = client.connection
    if (check) return read(client, check, namesOf(client, {}), { name: 'check' })
    throw new Failure('misconfigured', 'The connection has no "check": add one, such as {"path":"me"}.')
  },
}

/** What the expressions of a request can read. */
export function namesOf({ idempotencyKey, event }: Client<HttpConnection>, input: unknown): Names {
  return { input, key: idempotencyKey, event: event ?? {}, now: `${new Date().toISOString().slice(0, 19)}Z` }
}

/**
 * A request that not every connection has.
 *
 * @param why what is impossible without it
 * @throws Failure `misconfigured`
 */
export function needed<R>(request: R | undefined, name: string, why: string): R {
  if (request) return request
  throw new Failure('misconfigured', `The connection has no "${name}", ${why}: add it to its secret.`)
}

/** An API that cannot tell whether an earlier attempt succeeded must not be asked twice. */
export function outcomeUnknown(what: string): Failure {
  return new Failure(
    'doubtful',
    `It is unknown whether ${what}, and this cannot be looked up, so the request was not sent again. Check the platform before you repeat the call. With "find" or "idempotencyHeader" in the connection, a repeat is safe.`,
  )
}

/**
 * `find` of the connection must find what a request with `"then": "find"` created.
 *
 * @param find that request
 * @throws Failure `platform` if it does not: some APIs list what was created only after a moment
 */
export function requireFound<T>(found: T | 'unknown' | undefined, find: ReadRequest | undefined): T {
  if (found !== undefined && found !== 'unknown') return found
  const by = find?.at === undefined ? 'find of the connection' : shown('find.at', find.at)
  throw new Failure('platform', `The request has "then": "find", and ${by} finds nothing.`)
}

/** The fields of a connection: the common ones, and those of a kind of provider. */
export function connectionOf<F extends Record<string, z.ZodMiniType>>(fields: F) {
  return z.strictObject({ ...httpFields, ...fields })
}
