import { Failure, refused, retryLater } from '../../errors.ts'
import type { Client } from '../../providers/provider.ts'
import type { HttpCredentials } from './credentials.ts'
import {
  type ExpressionNames,
  evaluateExpression,
  fieldName,
  findIn,
  findsNothing,
  holds,
  responseOf,
  SELECTION,
} from './expression.ts'
import type { CreateRequest, ReadRequest, WriteRequest } from './request-fields.ts'
import { send } from './send.ts'

type Api = Client<HttpCredentials>

/**
 * Sends a request for something that must exist.
 *
 * @param name field of the connection, for messages: `get`
 * @returns the names of the request, and `response`: the body, or the part of it that `at` finds
 * @throws Failure if the request fails or `at` finds nothing
 */
export async function read(
  client: Api,
  request: ReadRequest,
  names: ExpressionNames,
  name: string,
): Promise<ExpressionNames> {
  const { body } = await send(client, request, names, { name, isRead: true })
  const found = selected(request, { ...names, response: body }, name)
  if (found.response === undefined && request.at !== undefined)
    throw nothingAt(request.at, { ...names, response: body }, name)
  return found
}

/**
 * Sends a request for something that may exist.
 *
 * @param name field of the connection, for messages: `find`
 * @param accept statuses that mean that it does not exist
 * @returns like `read`; `response` is undefined if it does not exist
 * @throws Failure if the request fails or the response does not have the list whose first item `at` selects
 */
export async function search(
  client: Api,
  request: ReadRequest,
  names: ExpressionNames,
  name: string,
  accept = [404],
): Promise<ExpressionNames> {
  const { status, body } = await send(client, request, names, { name, isRead: true, accept })
  if (accept.includes(status)) return names
  const complete = { ...names, response: body }
  const found = selected(request, complete, name)
  // A response with the status 204 has no list.
  if (found.response === undefined && status !== 204) requireProof(client, request.at, complete, name)
  return found
}

/**
 * Sends each request of a list whose `if` is true, in order. A request can read the previous response as `response`.
 *
 * @throws Failure `refused` if no `if` is true
 */
export async function write(
  client: Api,
  requests: WriteRequest[],
  names: ExpressionNames,
  name: string,
): Promise<void> {
  let isSent = false
  let readable = names
  for (const [index, request] of requests.entries()) {
    const where = fieldOf(requests, index, name)
    if (!holds(request.if, readable, `${where}.if`)) continue
    const isRead = request.method === 'GET'
    const { body } = await send(client, request, readable, { name, where, isRead })
    const complete = { ...names, response: body }
    readable = selected(request, complete, where)
    if (isRead && readable.response === undefined) requireProof(client, request.at, complete, where)
    isSent = true
  }
  if (!isSent) throw nothingToSend(requests, name)
}

/**
 * Sends the first request of a list whose `if` is true.
 *
 * @param find request that looks up the new object if the response has no id
 * @returns the names of the request with `response`, and whether the new object must be looked up with `find`
 * @throws Failure `refused` if no `if` is true
 */
export async function create(
  client: Api,
  requests: CreateRequest[],
  names: ExpressionNames,
  name: string,
  find?: ReadRequest,
): Promise<{ created: ExpressionNames; findNext: boolean }> {
  const index = requests.findIndex(({ if: condition }, index) =>
    holds(condition, names, `${fieldOf(requests, index, name)}.if`),
  )
  const request = requests[index]
  if (!request) throw nothingToSend(requests, name)
  const where = fieldOf(requests, index, name)
  if (request.then && !find)
    throw new Failure(
      'misconfigured',
      `${where} of the connection has "then": "find", but the connection has no "find". Add it, or remove "then".`,
    )
  const { body } = await send(client, request, names, { name, where, isRead: false })
  return { created: selected(request, { ...names, response: body }, where), findNext: request.then === 'find' }
}

/** Returns a request of a list as a field of the connection: `update[1]`. */
function fieldOf(requests: readonly unknown[], index: number, name: string): string {
  return requests.length === 1 ? name : `${name}[${index}]`
}

function nothingToSend(requests: readonly WriteRequest[], name: string): Failure {
  const conditions = requests.map((_, index) => `${fieldOf(requests, index, name)}.if`)
  return refused(
    `"${name}" of the connection has no request whose condition is true for this input: ${conditions.join(', ')}.`,
  )
}

/** Returns the names with the part of the response that `at` finds. */
function selected({ at }: ReadRequest, complete: ExpressionNames, where: string): ExpressionNames {
  if (at === undefined) return complete
  const response = findIn(at, complete, `${where}.at`)
  return { ...complete, response, [SELECTION]: { where: `${where}.at`, complete } }
}

function nothingAt(path: string, complete: ExpressionNames, name: string): Failure {
  const list = listIn(path)
  const isEmpty = list !== undefined && Array.isArray(evaluateExpression(list, complete))
  const message = `${findsNothing(complete, `${name}.at`)}.`
  return isEmpty ? refused(message) : new Failure('misconfigured', message)
}

/**
 * Ensures that a response can prove that something does not exist: it has the list whose first item `at` selects. After an
 * earlier attempt, it has at least a body.
 *
 * @throws Failure
 */
function requireProof({ isRetry }: Api, path: string | undefined, complete: ExpressionNames, name: string): void {
  const list = path && listIn(path)
  if (list ? Array.isArray(evaluateExpression(list, complete)) : !isRetry || complete.response !== undefined) return
  const problem = list
    ? `${fieldName(`${name}.at`)} finds no list in ${responseOf(complete, name)}`
    : `the response to ${name} has no body`
  if (!isRetry) throw new Failure('misconfigured', `${problem}. Correct the expression.`)
  throw retryLater(`It is unknown whether an earlier attempt created something: ${problem}.`)
}

/** Returns the list in `response.items[0]` or `response.items | [0]`. */
function listIn(path: string): string | undefined {
  const text = path.trimEnd()
  return text.endsWith('[0]') ? text.slice(0, -3).trimEnd().replace(/\|$/, '') : undefined
}
