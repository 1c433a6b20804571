import * as z from 'zod/mini'
import { Failure, outcomeUnknown, retryLater } from '../../errors.ts'
import { headers, optional, secret, secretHeaders, secretTexts, url, word } from '../../fields.ts'
import type { Authorization } from '../../http/options.ts'
import type { Client } from '../../providers/provider.ts'
import { basicHeader, type HttpCredentials, listedHeaders } from './credentials.ts'
import { type ExpressionNames, fieldName } from './expression.ts'
import { expression } from './expression-field.ts'
import { type Login, loginAuthorization, loginField } from './login.ts'
import { requestNames, responseNames } from './names.ts'
import { read } from './request.ts'
import { type ReadRequest, readField } from './request-fields.ts'

export interface HttpConnection extends HttpCredentials {
  login?: Login | undefined
  check?: ReadRequest | undefined
}

/** The connection fields that all HTTP providers have. */
const httpFields = {
  baseUrl: url('URL of the API. Every path is relative to it'),
  token: optional(secret('Bearer token, sent in the Authorization header')),
  username: optional(word('User name for Basic authentication or for login')),
  password: optional(secret('Password of username')),
  headers: optional(
    headers(
      'Headers of every request. Values are secret if the name contains auth, cookie, credential, key, passw, secret, session, signature or token',
    ),
  ),
  secretHeaders: optional(secretHeaders('More headers of every request. All values are secret')),
  secrets: optional(secretTexts('More credentials by name. Expressions read one as secrets.<name>')),
  login: optional(loginField),
  idempotencyHeader: optional(
    word('Header for the idempotency key, if the API ignores repeated requests: Idempotency-Key'),
  ),
  error: optional(
    expression(
      'Finds the error in a response with a successful status: response.error. If it finds one, the request was refused',
      responseNames,
    ),
  ),
  reason: optional(expression('Finds the message in an error response, if it is in an unusual place', responseNames)),
  check: optional(readField('A cheap request that requires the credentials. Tests the connection', requestNames([]))),
}

/** The common members of all HTTP providers. */
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
  keyNeeds: '`idempotencyHeader` in the connection',
  async check(client: Client<HttpConnection>): Promise<unknown> {
    const { check } = client.connection
    if (check) return (await read(client, check, fieldNamesOf(client, {}), 'check')).response
    throw new Failure('misconfigured', 'The connection has no "check". Add one, such as {"path":"me"}.')
  },
}

/** Returns the names that the expressions of a request can use. */
export function fieldNamesOf(
  { idempotencyKey, origin, connection }: Client<HttpConnection>,
  input: unknown,
): ExpressionNames {
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  return { input, key: idempotencyKey, event: origin ?? {}, now, secrets: connection.secrets ?? {} }
}

/**
 * Returns an optional request of the connection.
 *
 * @param consequence the rest of the error message: `so tickets cannot be closed`
 * @throws Failure `misconfigured` if the connection does not have it
 */
export function requireRequest<R>(request: R | undefined, name: string, consequence: string): R {
  if (request) return request
  throw new Failure('misconfigured', `The connection has no "${name}", ${consequence}. Add it to the secret.`)
}

/**
 * Returns the error for a request that must not be sent again.
 *
 * @param effect the effect that it may have had: `an earlier attempt opened the ticket`
 */
export function requestOutcomeUnknown(effect: string): Failure {
  return outcomeUnknown(
    `It is unknown whether ${effect}, and the connection has no request to find out, so the request was not sent again. Check the platform before you repeat the call. To make retries safe, add "find" or "idempotencyHeader" to the connection.`,
  )
}

/**
 * Returns the object that a request with `"then": "find"` created.
 *
 * @param find the `find` of the connection
 * @throws Failure `platform` if it was not found. Transient, because some APIs list new objects late
 */
export function requireFound<T>(found: T | 'unknown' | undefined, find: ReadRequest | undefined): T {
  if (found !== undefined && found !== 'unknown') return found
  const by = find?.at === undefined ? 'find of the connection' : fieldName('find.at')
  throw retryLater(`The request has "then": "find", but ${by} finds nothing.`)
}

/** Returns the schema of a connection: the common fields and those of a kind of provider. */
export function connectionOf<F extends Record<string, z.ZodMiniType>>(fields: F) {
  return z.strictObject({ ...httpFields, ...fields })
}
