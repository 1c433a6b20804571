import { Failure } from '../../errors.ts'
import type { RequestOptions } from '../../http/client.ts'
import { errorReasonIn } from '../../http/error-reason.ts'
import { segment } from '../../http/segment.ts'
import { trace } from '../../http/trace.ts'
import type { Client } from '../../providers/provider.ts'
import type { HttpCredentials } from './credentials.ts'
import { excerpt, find, findIn, holds, isTrue, type Names, shown } from './expression.ts'
import { bodyOf, scalar } from './request-body.ts'
import { type CreateRequest, PLACEHOLDER, type ReadRequest, type WriteRequest } from './request-fields.ts'

type Api = Client<HttpCredentials>

interface ReadOptions {
  /** Field of the connection, for messages: `get`. */
  name: string
  /** Statuses that mean that nothing was found. */
  accept?: number[]
  /** Fails unless the response proves that nothing was found. */
  mustBeCertain?: boolean
}

/**
 * Sends a request that changes nothing.
 *
 * @returns the part of the response that `at` finds; undefined if nothing was found
 * @throws Failure
 */
export function read(client: Api, request: ReadRequest, names: Names, options: ReadOptions): Promise<unknown> {
  return send(client, request, names, { ...options, isRead: true })
}

/**
 * Sends each request of a list whose `if` is true, in order. A request can read the previous response as `response`.
 *
 * @throws Failure `refused` if no `if` is true
 */
export async function write(client: Api, requests: WriteRequest[], names: Names, name: string): Promise<void> {
  let isSent = false
  let response: unknown
  for (const request of requests) {
    const readable = { ...names, response }
    if (!holds(request.if, readable, `${name}.if`)) continue
    response = await send(client, request, readable, { name, isRead: request.method === 'GET' })
    isSent = true
  }
  if (!isSent) throw nothingToSend(name)
}

/**
 * Sends the first request of a list whose `if` is true.
 *
 * @returns the part of the response that `at` finds, and whether the new object must be looked up with `find`
 * @throws Failure `refused` if no `if` is true
 */
export async function create(
  client: Api,
  requests: CreateRequest[],
  names: Names,
  name: string,
): Promise<{ response: unknown; findNext: boolean }> {
  const request = requests.find((candidate) => holds(candidate.if, names, `${name}.if`))
  if (!request) throw nothingToSend(name)
  const response = await send(client, request, names, { name, isRead: false })
  return { response, findNext: request.then === 'find' }
}

function nothingToSend(name: string): Failure {
  return new Failure('refused', `"${name}" of the connection has no request whose "if" is true for this input.`)
}

async function send(
  { http, connection }: Api,
  request: ReadRequest,
  names: Names,
  { name, isRead, accept = [], mustBeCertain = false }: ReadOptions & { isRead: boolean },
): Promise<unknown> {
  trace({ kind: 'request', name })
  const { method, query = {}, headers = {}, responseType = 'json', at } = request
  const { headers: typeHeaders, body } = bodyOf(request, names, name)
  const verb = method ?? (isRead && body === undefined ? 'GET' : 'POST')
  const response = await http.request(verb, pathOf(request, names, name), {
    query: valuesOf(query, names, `${name}.query`),
    headers: {
      ...typeHeaders,
      ...(isRead ? {} : idempotencyHeader(connection, names.key)),
      ...asHeaders(valuesOf(headers, names, `${name}.headers`)),
    },
    ...(body === undefined ? {} : { body }),
    ...errorsOf(request, connection, names, name),
    isRead,
    accept,
  })
  if (accept.includes(response.status)) return undefined
  if (responseType === 'json' && typeof response.body === 'string') {
    throw new Failure(
      'platform',
      `The API did not answer ${name} with JSON: ${excerpt(response.body)}. If this is correct, add "responseType": "text".`,
    )
  }
  const inResponse = { ...names, response: response.body }
  if (mustBeCertain && response.status !== 204) requireProof(at, inResponse, name)
  return at === undefined ? response.body : findIn(at, inResponse, `${name}.at`)
}

/**
 * Ensures that a response can prove that nothing was found: it must have a body and the list whose first item `at` selects.
 *
 * @throws Failure `platform`
 */
function requireProof(at: string | undefined, names: Names, name: string): void {
  const list = at && listIn(at)
  const found = list ? findIn(list, names, `${name}.at`) : names.response
  if (list ? Array.isArray(found) : found !== undefined) return
  const problem = list ? `${shown(`${name}.at`, list)} finds no list` : `the response to ${name} has no body`
  throw new Failure(
    'platform',
    `It is unknown whether an earlier attempt created something: ${problem} (${excerpt(names.response)}).`,
  )
}

/** Returns the list in `response.items[0]` or `response.items | [0]`. */
function listIn(at: string): string | undefined {
  const text = at.trimEnd()
  return text.endsWith('[0]') ? text.slice(0, -3).trimEnd().replace(/\|$/, '') : undefined
}

/** Returns how errors are recognized and described, if the request or the connection has expressions for them. */
function errorsOf(
  request: ReadRequest,
  connection: HttpCredentials,
  names: Names,
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

function pathOf({ path }: ReadRequest, names: Names, name: string): string {
  return path.replace(PLACEHOLDER, (_, text: string) => {
    const value = scalar(find(text, names, `${name}.path`))
    if (value === undefined || value === '') {
      throw new Failure(
        'refused',
        `${name}.path of the connection needs ${text}, which is missing. Send it with the call.`,
      )
    }
    return segment(String(value))
  })
}

function valuesOf(expressions: Record<string, string>, names: Names, where: string) {
  return Object.fromEntries(
    Object.entries(expressions).map(([field, text]) => [field, scalar(find(text, names, `${where}.${field}`))]),
  )
}

function asHeaders(values: Record<string, unknown>): Record<string, string> {
  const present = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present.map(([field, value]) => [field.toLowerCase(), String(value)]))
}
