import { randomUUID } from 'node:crypto'
import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional, withDescription } from '../../fields.ts'
import type { RequestOptions } from '../../http/client.ts'
import { errorReasonIn } from '../../http/error-reason.ts'
import { segment } from '../../http/segment.ts'
import { trace } from '../../http/trace.ts'
import type { Client } from '../../providers/provider.ts'
import { isRecord } from '../../record.ts'
import type { HttpCredentials } from './credentials.ts'
import { excerpt, expression, find, findIn, holds, isTrue, type Names, shown } from './expression.ts'

const placeholder = /\{([^{}]+)\}/g

const path = withDescription(
  z.string().check(
    z.maxLength(2_000),
    z.refine((text) => !/^\w+:|^\/\/|\.\.(?:\/|$)|\?/.test(text), {
      message: 'must be a path below baseUrl, such as "tickets/{input.id}", and without a query',
    }),
  ),
  'Below baseUrl; {..} contains an expression, whose value is one part of the path',
)

const bodies = ['body', 'form', 'multipart', 'text'] as const

const fields = {
  method: optional(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  path,
  query: optional(z.record(z.string(), expression('The value of a query parameter'))),
  headers: optional(z.record(z.string(), expression('The value of a header'))),
  body: optional(expression('What is sent as JSON: {title: input.title, ref: key}')),
  form: optional(expression('An object that is sent as a form')),
  multipart: optional(expression('An object that is sent as multipart/form-data')),
  text: optional(expression('What is sent as plain text')),
  responseType: optional(withDescription(z.enum(['json', 'text']), 'What the API answers: json unless it says text')),
  at: optional(expression('The part of the response that later expressions read as response: response.items[0]')),
  error: optional(expression('Finds the error in a response of success; instead of that of the connection')),
  reason: optional(expression('Finds the words of an error; instead of that of the connection')),
}

const oneBody = z.refine<Partial<Record<(typeof bodies)[number], unknown>>>(
  (request) => bodies.filter((name) => request[name] !== undefined).length <= 1,
  { message: 'can have one of body, form, multipart and text' },
)
const readRequest = z.strictObject(fields).check(oneBody)
const writeRequest = z
  .strictObject({
    ...fields,
    if: optional(expression('Send this request only if this finds something, and not false')),
  })
  .check(oneBody)
const createRequest = z
  .strictObject({
    ...fields,
    if: optional(expression('Send this request only if this finds something, and not false')),
    then: optional(withDescription(z.literal('find'), 'The response has no id: find looks for what was created')),
  })
  .check(oneBody)

const asList = z.transform((value) => (Array.isArray(value) ? value : [value]))

/** A request that changes nothing. */
export type ReadRequest = z.output<typeof readRequest>
/** A request that changes something, and may depend on the input. */
export type WriteRequest = z.output<typeof writeRequest>
/** A request that creates something. */
export type CreateRequest = z.output<typeof createRequest>

export function readField(description: string) {
  // A schema has one description, so each field needs a schema of its own.
  return withDescription(z.clone(readRequest), description)
}

/** One request, or a list of which each is sent whose `if` holds, in order. */
export function writeField(description: string) {
  return withDescription(z.pipe(asList, z.array(writeRequest).check(z.minLength(1), z.maxLength(10))), description)
}

/** One request, or a list of which the first is sent whose `if` holds. */
export function createField(description: string) {
  return withDescription(z.pipe(asList, z.array(createRequest).check(z.minLength(1), z.maxLength(10))), description)
}

type Api = Client<HttpCredentials>

/**
 * Sends a request that changes nothing.
 *
 * @param name the field of the connection, for messages: `get`
 * @param accept statuses that mean that there is nothing
 * @param mustBeCertain whether nothing may be taken for an answer only if the response shows that there is nothing
 * @returns what `at` finds in the response; undefined if there is nothing
 * @throws Failure
 */
export function read(
  client: Api,
  request: ReadRequest,
  names: Names,
  { name, accept = [], mustBeCertain = false }: { name: string; accept?: number[]; mustBeCertain?: boolean },
): Promise<unknown> {
  return send(client, request, names, { name, accept, mustBeCertain, isRead: true })
}

/**
 * Sends each request of a list whose `if` holds, in order. A request can read the response of the one before as `response`.
 *
 * @throws Failure `refused` if none holds
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
 * Sends the first request of a list whose `if` holds.
 *
 * @returns what `at` finds in the response, and whether `find` must look for what was created
 * @throws Failure `refused` if there is none
 */
export async function create(
  client: Api,
  requests: CreateRequest[],
  names: Names,
  name: string,
): Promise<{ response: unknown; findNext: boolean }> {
  const request = requests.find((one) => holds(one.if, names, `${name}.if`))
  if (!request) throw nothingToSend(name)
  const response = await send(client, request, names, { name, isRead: false })
  return { response, findNext: request.then === 'find' }
}

function nothingToSend(name: string): Failure {
  return new Failure('refused', `The connection has no request in ${name} whose "if" holds for this input.`)
}

async function send(
  { http, connection }: Api,
  request: ReadRequest,
  names: Names,
  {
    name,
    isRead,
    accept = [],
    mustBeCertain = false,
  }: { name: string; isRead: boolean; accept?: number[]; mustBeCertain?: boolean },
): Promise<unknown> {
  trace({ kind: 'request', name })
  const { method, query = {}, headers = {}, responseType = 'json', at } = request
  const { headers: typed, body } = bodyOf(request, names, name)
  const verb = method ?? (isRead && body === undefined ? 'GET' : 'POST')
  const answer = await http.request(verb, pathOf(request, names, name), {
    query: valuesOf(query, names, `${name}.query`),
    headers: {
      ...typed,
      ...(isRead ? {} : idempotencyHeader(connection, names.key)),
      ...asHeaders(valuesOf(headers, names, `${name}.headers`)),
    },
    ...(body === undefined ? {} : { body }),
    ...errorsOf(request, connection, names, name),
    isRead: isRead,
    accept,
  })
  if (accept.includes(answer.status)) return undefined
  if (responseType === 'json' && typeof answer.body === 'string') {
    throw new Failure(
      'platform',
      `The API did not answer ${name} with JSON: ${excerpt(answer.body)}. If this is right, add "responseType": "text".`,
    )
  }
  const inResponse = { ...names, response: answer.body }
  if (mustBeCertain && answer.status !== 204) requireList(at, inResponse, name)
  return at === undefined ? answer.body : findIn(at, inResponse, `${name}.at`)
}

/**
 * A response without a body, or without the list of which `at` takes the first item, does not show that nothing was created.
 *
 * @throws Failure `platform`
 */
function requireList(at: string | undefined, names: Names, name: string): void {
  const list = at && listIn(at)
  const found = list ? findIn(list, names, `${name}.at`) : names.response
  if (list ? Array.isArray(found) : found !== undefined) return
  const expected = list ? `${shown(`${name}.at`, list)} finds no list` : `the response to ${name} has no body`
  throw new Failure(
    'platform',
    `Whether an earlier attempt created something cannot be looked up: ${expected} (${excerpt(names.response)}).`,
  )
}

/** The list of which an expression takes the first item, as `response.items[0]` and `response.items | [0]` do. */
function listIn(at: string): string | undefined {
  const text = at.trimEnd()
  return text.endsWith('[0]') ? text.slice(0, -3).trimEnd().replace(/\|$/, '') : undefined
}

interface Body {
  headers: Record<string, string>
  body?: unknown
}

function bodyOf(request: ReadRequest, names: Names, name: string): Body {
  const { body, form, multipart, text } = request
  if (form !== undefined) {
    return formOf(find(form, names, `${name}.form`), shown(`${name}.form`, form))
  }
  if (multipart !== undefined) {
    return multipartOf(find(multipart, names, `${name}.multipart`), shown(`${name}.multipart`, multipart))
  }
  if (text !== undefined) {
    const headers = { 'content-type': 'text/plain; charset=utf-8' }
    return { headers, body: String(scalar(find(text, names, `${name}.text`)) ?? '') }
  }
  const found = body === undefined ? undefined : find(body, names, `${name}.body`)
  // The HTTP client sends a string as it is, and this one could be a document of its own.
  return typeof found === 'string'
    ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(found) }
    : { headers: {}, body: found }
}

/**
 * The body of a form.
 *
 * @param what the expression, for messages
 * @throws Failure `misconfigured` if what was found is not an object
 */
export function formOf(found: unknown, what: string): Body {
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(formFields(found, what)).toString(),
  }
}

/** The body of a form as multipart/form-data, for APIs that accept no other. Without fields there is no body. */
function multipartOf(found: unknown, what: string): Body {
  const fields = formFields(found, what)
  if (fields.length === 0) return { headers: {} }
  // Random, so that no value can contain it and add a field of its own.
  const boundary = randomUUID()
  const parts = fields.map(
    ([field, value]) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${fieldName(field)}"\r\n\r\n${value}\r\n`,
  )
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${parts.join('')}--${boundary}--\r\n`,
  }
}

/** As browsers escape it. */
function fieldName(field: string): string {
  return field.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}

function formFields(found: unknown = {}, what: string): [field: string, value: string][] {
  if (!isRecord(found)) throw new Failure('misconfigured', `${what} must find an object, and finds ${excerpt(found)}.`)
  return Object.entries(found).map(([field, value]) => [field, String(scalar(value))])
}

/** How an error is recognized and reported: by expressions, else as for every other platform. */
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
      const words = isTrue(found) ? found : errorIn(response)
      return isTrue(words) ? wordsOf(words) : undefined
    },
  }
}

function wordsOf(found: unknown): string {
  if (Array.isArray(found)) return found.map(wordsOf).join('; ')
  if (typeof found !== 'object') return String(found)
  return errorReasonIn(found) || JSON.stringify(found)
}

function idempotencyHeader({ idempotencyHeader: header }: HttpCredentials, key: string | undefined) {
  return key === undefined || header === undefined ? {} : { [header.toLowerCase()]: key }
}

function pathOf({ path }: ReadRequest, names: Names, name: string): string {
  return path.replace(placeholder, (_, text: string) => {
    const value = scalar(find(text, names, `${name}.path`))
    if (value === undefined || value === '') {
      throw new Failure(
        'refused',
        `${name}.path of the connection needs ${text}, which is missing: send it with the call.`,
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
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([field, value]) => [field.toLowerCase(), String(value)]))
}

function scalar(value: unknown): string | number | boolean | undefined {
  if (value === undefined || typeof value === 'object') return value === undefined ? undefined : JSON.stringify(value)
  return value as string | number | boolean
}
