import * as z from 'zod/mini'
import { optional, withDescription } from '../../fields.ts'
import { expression, problemOf } from './expression-field.ts'
import { type NameTree, withResponse } from './names.ts'

const MAX_REQUESTS = 10

/** An expression in a path. */
export const PLACEHOLDER = /\{([^{}]+)\}/g
const BODIES = ['body', 'form', 'multipart', 'text'] as const

function pathField(names: NameTree) {
  const readable = z.superRefine<string>((path, { addIssue }) => {
    for (const [, text = ''] of path.matchAll(PLACEHOLDER)) {
      const message = problemOf(text, names)
      if (message !== undefined) addIssue({ code: 'custom', message })
    }
  })
  const relative = z.refine<string>((path) => !/^\w+:|^\/\/|\.\.(?:\/|$)|\?/.test(path.replace(PLACEHOLDER, 'x')), {
    message: 'must be a path relative to baseUrl, such as "tickets/{input.id}", without a query',
  })
  return withDescription(
    z.string().check(z.maxLength(2_000), relative, readable),
    'Path relative to baseUrl. {..} contains an expression, whose value is one segment of the path',
  )
}

/** Returns the fields of a request whose expressions can use the names. */
function requestFields(names: NameTree) {
  const inResponse = withResponse(names)
  return {
    method: optional(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
    path: pathField(names),
    query: optional(z.record(z.string(), expression('Value of a query parameter', names))),
    headers: optional(z.record(z.string(), expression('Value of a header', names))),
    body: optional(expression('JSON body: {title: input.title, ref: key}', names)),
    form: optional(expression('Object to send as a form', names)),
    multipart: optional(expression('Object to send as multipart/form-data', names)),
    text: optional(expression('Body in plain text', names)),
    responseType: optional(withDescription(z.enum(['json', 'text']), 'Format of the response. Defaults to json')),
    at: optional(
      expression('Part of the response that later expressions read as response: response.items[0]', inResponse),
    ),
    error: optional(
      expression(
        'Finds the error in a response with a successful status. Replaces error of the connection',
        inResponse,
      ),
    ),
    reason: optional(
      expression('Finds the message in an error response. Replaces reason of the connection', inResponse),
    ),
  }
}

const oneBody = z.refine<Partial<Record<(typeof BODIES)[number], unknown>>>(
  (request) => BODIES.filter((name) => request[name] !== undefined).length <= 1,
  { message: 'can have only one of body, form, multipart and text' },
)

function condition(names: NameTree) {
  return optional(expression('Sends this request only if the value is neither empty nor false', names))
}

function readRequest(names: NameTree) {
  return z.strictObject(requestFields(names)).check(oneBody)
}

function writeRequest(names: NameTree) {
  return z.strictObject({ ...requestFields(names), if: condition(names) }).check(oneBody)
}

function createRequest(names: NameTree) {
  const then = withDescription(
    z.literal('find'),
    'Required if the response has no id: find then looks up the new object',
  )
  return z.strictObject({ ...requestFields(names), if: condition(names), then: optional(then) }).check(oneBody)
}

/** A request that changes nothing. */
export type ReadRequest = z.output<ReturnType<typeof readRequest>>
/** A request that changes something, and may depend on the input. */
export type WriteRequest = z.output<ReturnType<typeof writeRequest>>
/** A request that creates something. */
export type CreateRequest = z.output<ReturnType<typeof createRequest>>

const asList = z.transform((value) => (Array.isArray(value) ? value : [value]))

export function readField(description: string, names: NameTree) {
  return withDescription(readRequest(names), description)
}

/** Returns a field for a request, or for a list of which each request is sent if its `if` is true. */
export function writeField(description: string, names: NameTree) {
  // Each request can read the response to the previous one.
  const list = z.array(writeRequest(withResponse(names))).check(z.minLength(1), z.maxLength(MAX_REQUESTS))
  return withDescription(z.pipe(asList, list), description)
}

/** Returns a field for a request, or for a list of which the first request is sent whose `if` is true. */
export function createField(description: string, names: NameTree) {
  const list = z.array(createRequest(names)).check(z.minLength(1), z.maxLength(MAX_REQUESTS))
  return withDescription(z.pipe(asList, list), description)
}
