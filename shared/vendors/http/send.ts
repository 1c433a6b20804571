import { refused, retryLater } from '../../errors.ts'
import { errorReasonIn } from '../../http/error-reason.ts'
import type { HttpResponse } from '../../http/exchange.ts'
import type { RequestOptions } from '../../http/options.ts'
import { segment } from '../../http/segment.ts'
import { trace } from '../../http/trace.ts'
import type { Client } from '../../providers/provider.ts'
import type { HttpCredentials } from './credentials.ts'
import { type ExpressionNames, excerpt, fieldName, find, findIn, isTrue } from './expression.ts'
import { wordsIn } from './expression-words.ts'
import { bodyOf, scalar } from './request-body.ts'
import { PLACEHOLDER, type ReadRequest } from './request-fields.ts'

interface SendOptions {
  /** Field of the connection, for traces: `update`. */
  name: string
  /** Field of the connection, for messages: `update[1]`. Defaults to the name. */
  where?: string
  isRead: boolean
  /** Statuses that are results, not failures. */
  accept?: number[]
}

/**
 * Sends a request of a connection.
 *
 * @throws Failure
 */
export async function send(
  { http, connection }: Client<HttpCredentials>,
  request: ReadRequest,
  names: ExpressionNames,
  { name, where = name, isRead, accept = [] }: SendOptions,
): Promise<HttpResponse> {
  trace({ kind: 'request', name })
  const { method, query = {}, headers = {}, responseType = 'json' } = request
  const { headers: typeHeaders, body } = bodyOf(request, names, where)
  const verb = method ?? (isRead && body === undefined ? 'GET' : 'POST')
  const response = await http.request(verb, pathOf(request, names, where), {
    query: valuesOf(query, names, `${where}.query`),
    headers: {
      ...typeHeaders,
      ...(isRead ? {} : idempotencyHeader(connection, names.key)),
      ...asHeaders(valuesOf(headers, names, `${where}.headers`)),
    },
    ...(body === undefined ? {} : { body }),
    ...errorsOf(request, connection, names, where),
    isRead,
    accept,
    // Reported below, with the name of the request.
    acceptsPages: true,
  })
  if (accept.includes(response.status) || responseType === 'text' || typeof response.body !== 'string') return response
  throw retryLater(
    `The API did not answer ${where} with JSON: ${excerpt(response.body)}. If this is correct, add "responseType": "text".`,
  )
}

/** Returns how errors are recognized and described, if the request or the connection has expressions for them. */
function errorsOf(
  request: ReadRequest,
  connection: HttpCredentials,
  names: ExpressionNames,
  name: string,
): Pick<RequestOptions, 'errorStatus' | 'errorReason'> {
  const error = request.error ?? connection.error
  const reason = request.reason ?? connection.reason
  const errorIn = (response: unknown) =>
    error === undefined ? undefined : findIn(error, { ...names, response }, request.error ? `${name}.error` : 'error')
  return {
    errorStatus: (response) => (isTrue(errorIn(response)) ? 422 : undefined),
    errorReason: (response) => {
      const found = reason && findIn(reason, { ...names, response }, request.reason ? `${name}.reason` : 'reason')
      const message = isTrue(found) ? found : errorIn(response)
      return isTrue(message) ? describe(message) : undefined
    },
  }
}

function describe(error: unknown): string {
  if (Array.isArray(error)) return error.map(describe).join('; ')
  if (typeof error !== 'object') return String(error)
  return errorReasonIn(error) || JSON.stringify(error)
}

function idempotencyHeader({ idempotencyHeader: header }: HttpCredentials, key: string | undefined) {
  return key === undefined || header === undefined ? {} : { [header.toLowerCase()]: key }
}

function pathOf({ path }: ReadRequest, names: ExpressionNames, name: string): string {
  return path.replace(PLACEHOLDER, (_, text: string) => {
    const value = scalar(find(text, names, `${name}.path`))
    if (value === undefined || value === '') {
      const needed = wordsIn(text).paths.map((path) => path.join('.'))
      throw refused(`${fieldName(`${name}.path`)} needs ${needed.join(', ')}, which is missing. Send it with the call.`)
    }
    return segment(String(value))
  })
}

function valuesOf(expressions: Record<string, string>, names: ExpressionNames, where: string) {
  return Object.fromEntries(
    Object.entries(expressions).map(([field, text]) => [field, scalar(find(text, names, `${where}.${field}`))]),
  )
}

function asHeaders(values: Record<string, unknown>): Record<string, string> {
  const present = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present.map(([field, value]) => [field.toLowerCase(), String(value)]))
}
