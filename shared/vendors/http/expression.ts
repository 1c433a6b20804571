import { JMESPathError, search } from '@aws-lambda-powertools/jmespath'
import { Failure, messageOf } from '../../errors.ts'
import { trace } from '../../http/trace.ts'
import { isRecord } from '../../record.ts'
import { clipSingleLine } from '../../text/single-line.ts'
import { connectionFunctions } from './functions.ts'

type Data = Parameters<typeof search>[1]

const MAX_SHOWN_CHARACTERS = 100

/** The names that expressions can use. A kind of provider may add names, such as `message`. */
export interface Names extends Record<string, unknown> {
  input: unknown
  /** The idempotency key. Undefined if the call has no id. */
  key: string | undefined
  /** The origin of the call: `id`, `context`, `project`, `stage`, `service`, `labels`. */
  event: unknown
  /** ISO 8601, UTC. */
  now: string
  /** The body of the response, or the part of it that `at` finds. */
  response?: unknown
}

/**
 * Evaluates an expression of a request.
 *
 * @param where path of the expression in the connection: `open.body`
 * @throws Failure `refused` if it cannot be evaluated for the input
 */
export function find(text: string, names: Names, where: string): unknown {
  return evaluateTraced(
    text,
    names,
    where,
    (reason) => new Failure('refused', `${shown(where, text)} cannot be evaluated: ${reason}`),
  )
}

/**
 * Evaluates an expression of a response.
 *
 * @throws Failure `misconfigured` if it cannot be evaluated for this response
 */
export function findIn(text: string, names: Names, where: string): unknown {
  return evaluateTraced(
    text,
    names,
    where,
    (reason) =>
      new Failure(
        'misconfigured',
        `${shown(where, text)} does not fit the response of the API, which is ${responseOf(names, where)}: ${reason}`,
      ),
  )
}

/** Evaluates an expression of a response as text. `null` means nothing, because `to_string` returns it for nothing. */
export function findText(text: string | undefined, names: Names, where: string): string | undefined {
  const found = text === undefined ? undefined : findIn(text, names, where)
  if (found === undefined || found === '' || found === 'null') return undefined
  return typeof found === 'string' ? found : JSON.stringify(found)
}

/**
 * Evaluates an expression as text that the response must contain.
 *
 * @throws Failure `misconfigured` if it finds nothing
 */
export function requireText(text: string, names: Names, where: string): string {
  const found = findText(text, names, where)
  if (found !== undefined) return found
  throw new Failure(
    'misconfigured',
    `${shown(where, text)} finds nothing in the response of the API, which is ${responseOf(names, where)}. Correct the expression.`,
  )
}

/** Returns whether the value of an expression is true in JMESPath. */
export function holds(text: string | undefined, names: Names, where: string): boolean {
  if (text === undefined) return true
  return isTrue(find(text, names, where))
}

/** Follows JMESPath: false and empty values are not true. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

/** Describes an expression for messages. */
export function shown(where: string, text: string): string {
  return `${where} of the connection, "${clipSingleLine(text, MAX_SHOWN_CHARACTERS)}",`
}

/** Describes a response for messages. A login response contains credentials that are not registered yet. */
function responseOf({ response }: Names, where: string): string {
  if (!where.startsWith('login.')) return excerpt(response)
  if (response === undefined) return 'empty'
  return isRecord(response) ? `an object with ${Object.keys(response).join(', ') || 'no fields'}` : 'not an object'
}

/** Returns the start of a response, for messages. */
export function excerpt(response: unknown): string {
  if (response === undefined) return 'empty'
  return clipSingleLine(typeof response === 'string' ? response : JSON.stringify(response), 2 * MAX_SHOWN_CHARACTERS)
}

function evaluateTraced(text: string, names: Names, where: string, failure: (reason: string) => Failure): unknown {
  try {
    const found = withoutNulls(evaluate(text, names))
    trace({ kind: 'expression', where, text, names, found })
    return found
  } catch (error) {
    if (!(error instanceof JMESPathError)) throw error
    trace({ kind: 'expression', where, text, names, problem: messageOf(error) })
    throw failure(messageOf(error))
  }
}

/** Evaluates a JMESPath expression. @throws JMESPathError */
export function evaluate(text: string, data: object): unknown {
  return search(text, data as Data, { customFunctions: connectionFunctions })
}

/** JMESPath returns null for missing fields, which many APIs accept as a value. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object') return value
  const entries = Object.entries(value as object).map(([name, item]): [string, unknown] => [name, withoutNulls(item)])
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined))
}
