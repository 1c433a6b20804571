import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { headers, optional, secret, secretHeaders, url, word } from '../../fields.ts'
import type { Client } from '../../function/provider.ts'
import { clipLine } from '../../one-line.ts'
import { type ApiCall, callField, make } from './call.ts'
import { findText } from './expression.ts'

/** What a connection to any API holds, whatever it is used for. */
const httpFields = {
  baseUrl: url('Where the API is: every call goes below it'),
  token: optional(secret('A bearer token, sent as Authorization')),
  headers: optional(
    headers(
      'Headers of every call. Those whose names contain auth, cookie, credential, key, passw, secret, session, signature or token are secret',
    ),
  ),
  secretHeaders: optional(secretHeaders('Headers of every call that are secret, although their names do not say so')),
  idempotencyHeader: optional(
    word('The header that makes a repeat the same call, where the API knows one: Idempotency-Key'),
  ),
  check: optional(callField('The cheapest call that needs the credentials')),
}

export interface HttpConnection {
  token?: string | undefined
  headers?: Record<string, string> | undefined
  secretHeaders?: Record<string, string> | undefined
  idempotencyHeader?: string | undefined
  check?: ApiCall | undefined
}

/** How any API is called. */
export const httpApi = {
  headers: ({ token, headers, secretHeaders }: HttpConnection): Record<string, string> => ({
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...Object.fromEntries(
      Object.entries({ ...headers, ...secretHeaders }).map(([name, value]) => [name.toLowerCase(), value]),
    ),
  }),
  deduplicates: ({ idempotencyHeader }: HttpConnection): boolean => idempotencyHeader !== undefined,
  async check(client: Client<HttpConnection>): Promise<unknown> {
    const { check } = client.connection
    if (check) return make(client, check, { input: {}, key: undefined }, { name: 'check', reads: true })
    throw new Failure('misconfigured', 'The connection has no "check": add one, such as {"path":"me"}.')
  },
}

/**
 * A call that not every connection has.
 *
 * @throws Failure `misconfigured`
 */
export function needed(call: ApiCall | undefined, name: string, why: string): ApiCall {
  if (call) return call
  throw new Failure('misconfigured', `The connection has no "${name}", ${why}: add it to its secret.`)
}

/**
 * The text that an expression of the connection must find in an answer.
 *
 * @throws Failure `platform`
 */
export function must(text: string, data: unknown, where: string): string {
  const found = findText(text, data, where)
  if (found !== undefined) return found
  throw new Failure(
    'platform',
    `The API answered something else than expected: ${where} of the connection, which is "${clipLine(text, 100)}", finds nothing in it.`,
  )
}

/** An API that can not tell whether an earlier try got through must not be asked twice. */
export function inDoubt(what: string): Failure {
  return new Failure(
    'doubtful',
    `Whether ${what} is not known, and can not be looked up, so it was not tried again: look before you repeat it. A connection with "find", or with "idempotencyHeader", lets it be tried again.`,
  )
}

/** `z.strictObject` of the common fields and those of a shape. */
export function connectionOf<F extends Record<string, z.ZodMiniType>>(fields: F) {
  return z.strictObject({ ...httpFields, ...fields })
}
