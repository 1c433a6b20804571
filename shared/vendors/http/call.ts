import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { about, optional } from '../../fields.ts'
import { type Http, segment } from '../../http.ts'
import type { HttpConnection } from './connection.ts'
import { expression, find, findIn } from './expression.ts'

const placeholder = /\{([^{}]+)\}/g

const path = about(
  z.string().check(
    z.minLength(1),
    z.maxLength(2_000),
    z.refine((text) => !/^\w+:|^\/\/|\.\.(?:\/|$)|\?/.test(text), {
      message: 'must be a path below baseUrl, such as "tickets/{input.id}", and without a query',
    }),
  ),
  'Below baseUrl; {..} is a JMESPath expression, whose value is one part of the path',
)

const call = z.strictObject({
  method: optional(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  path,
  query: optional(z.record(z.string(), expression('The value of a query parameter'))),
  body: optional(expression('What is sent as JSON: {title: input.title, ref: key}')),
  at: optional(expression('Where in the answer the thing is that is asked for: items[0]')),
})

/** A request to an API, as a connection describes it. */
export type ApiCall = z.output<typeof call>

/** One request of the API: method, path, query and body. */
export function callField(description: string) {
  return about(call, description)
}

/** What the expressions of a call can read, beside what a shape adds. */
export interface Context extends Record<string, unknown> {
  input: unknown
  /** The identity of the call, which a repeat has, too. */
  key: string | undefined
}

/**
 * Makes a call, and answers what it finds at the place that is asked for; undefined where there is nothing.
 *
 * @param name the call's own, for messages: `open`
 * @param reads whether it changes nothing: then it may be sent again, and in a dry run
 * @throws Failure
 */
export async function make(
  { http, connection: { idempotencyHeader } }: { http: Http; connection: HttpConnection },
  { method, path, query = {}, body, at = '@' }: ApiCall,
  context: Context,
  { name, reads = false, accept = [] }: { name: string; reads?: boolean; accept?: number[] },
): Promise<unknown> {
  const found = body === undefined ? undefined : find(body, context, `${name}.body`)
  // Text would be sent as it is, and could be a document of its own.
  const [sent, type] =
    typeof found === 'string' ? [JSON.stringify(found), { 'content-type': 'application/json' }] : [found, {}]
  const verb = method ?? (reads && body === undefined ? 'GET' : 'POST')
  const key = context.key === undefined || reads || !idempotencyHeader ? {} : { [idempotencyHeader]: context.key }
  const answer = await http.request(verb, fill(path, context, name), {
    query: Object.fromEntries(
      Object.entries(query).map(([parameter, text]) => [parameter, scalar(find(text, context, `${name}.query`))]),
    ),
    headers: { ...key, ...type },
    ...(sent === undefined ? {} : { body: sent }),
    reads,
    accept,
  })
  return accept.includes(answer.status) ? undefined : findIn(at, answer.body ?? {}, `${name}.at`)
}

function fill(path: string, context: Context, name: string): string {
  return path.replace(placeholder, (_, text: string) => {
    const value = scalar(find(text, context, `${name}.path`))
    if (value === undefined || value === '') {
      throw new Failure(
        'refused',
        `${name}.path of the connection needs ${text}, and there is none: send it with the call`,
      )
    }
    return segment(String(value))
  })
}

function scalar(value: unknown): string | number | boolean | undefined {
  if (value === undefined || typeof value === 'object') return value === undefined ? undefined : JSON.stringify(value)
  return value as string | number | boolean
}
