import * as z from 'zod/mini'
import { optional, withDescription } from '../../fields.ts'
import { expression } from './expression.ts'

const MAX_REQUESTS = 10

const path = withDescription(
  z.string().check(
    z.maxLength(2_000),
    z.refine((text) => !/^\w+:|^\/\/|\.\.(?:\/|$)|\?/.test(text), {
      message: 'must be a path relative to baseUrl, such as "tickets/{input.id}", without a query',
    }),
  ),
  'Path relative to baseUrl. {..} contains an expression, whose value is one segment of the path',
)

const bodies = ['body', 'form', 'multipart', 'text'] as const

const fields = {
  method: optional(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  path,
  query: optional(z.record(z.string(), expression('Value of a query parameter'))),
  headers: optional(z.record(z.string(), expression('Value of a header'))),
  body: optional(expression('JSON body: {title: input.title, ref: key}')),
  form: optional(expression('Object to send as a form')),
  multipart: optional(expression('Object to send as multipart/form-data')),
  text: optional(expression('Body in plain text')),
  responseType: optional(withDescription(z.enum(['json', 'text']), 'Format of the response. Defaults to json')),
  at: optional(expression('Part of the response that later expressions read as response: response.items[0]')),
  error: optional(
    expression('Finds the error in a response with a successful status. Replaces error of the connection'),
  ),
  reason: optional(expression('Finds the message in an error response. Replaces reason of the connection')),
}

const oneBody = z.refine<Partial<Record<(typeof bodies)[number], unknown>>>(
  (request) => bodies.filter((name) => request[name] !== undefined).length <= 1,
  { message: 'can have only one of body, form, multipart and text' },
)
const condition = optional(expression('Sends this request only if the value is neither empty nor false'))
const readRequest = z.strictObject(fields).check(oneBody)
const writeRequest = z.strictObject({ ...fields, if: condition }).check(oneBody)
const createRequest = z
  .strictObject({
    ...fields,
    if: condition,
    then: optional(
      withDescription(z.literal('find'), 'Required if the response has no id: find then looks up the new object'),
    ),
  })
  .check(oneBody)

/** A request that changes nothing. */
export type ReadRequest = z.output<typeof readRequest>
/** A request that changes something, and may depend on the input. */
export type WriteRequest = z.output<typeof writeRequest>
/** A request that creates something. */
export type CreateRequest = z.output<typeof createRequest>

const asList = z.transform((value) => (Array.isArray(value) ? value : [value]))

export function readField(description: string) {
  // A schema has only one description.
  return withDescription(z.clone(readRequest), description)
}

/** Returns a field for a request, or for a list of which each request is sent if its `if` is true. */
export function writeField(description: string) {
  const list = z.array(writeRequest).check(z.minLength(1), z.maxLength(MAX_REQUESTS))
  return withDescription(z.pipe(asList, list), description)
}

/** Returns a field for a request, or for a list of which the first request is sent whose `if` is true. */
export function createField(description: string) {
  const list = z.array(createRequest).check(z.minLength(1), z.maxLength(MAX_REQUESTS))
  return withDescription(z.pipe(asList, list), description)
}
