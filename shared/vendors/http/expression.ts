import { JMESPathError, JMESPathTypeError, search } from '@aws-lambda-powertools/jmespath'
import * as z from 'zod/mini'
import { Failure, messageOf } from '../../errors.ts'
import { withDescription } from '../../fields.ts'
import { trace } from '../../http/trace.ts'
import { isRecord } from '../../record.ts'
import { clipSingleLine } from '../../text/single-line.ts'
import { connectionFunctions } from './functions.ts'

type Data = Parameters<typeof search>[1]

const MAX_SHOWN_CHARACTERS = 100

/**
 * What every expression of a connection can read. A kind of provider may add names, such as `message`.
 */
export interface Names extends Record<string, unknown> {
  input: unknown
  /** The idempotency key, which is the same for a repeat. Absent if the call has no id. */
  key: string | undefined
  /** Where the call comes from: `id`, `context`, `project`, `stage`, `service`, `labels`. */
  event: unknown
  /** ISO 8601, UTC. */
  now: string
  /** The body of the response, or the part of it that `at` finds. */
  response?: unknown
}

/** A JMESPath expression, which is checked when the connection is read. @see https://jmespath.org/specification.html */
export function expression(description: string) {
  const readable = z.superRefine<string>((text, { addIssue }) => {
    const message = problemOf(text)
    if (message !== undefined) addIssue({ code: 'custom', message })
  })
  return withDescription(z.string().check(z.minLength(1), z.maxLength(4_096), readable), description)
}

/** Why a text cannot be used as an expression. */
function problemOf(text: string): string | undefined {
  const name = nameInFilter(text)
  if (name !== undefined) {
    return `inside [?..], "${name}" is a field of the item: write where(list, &field, ${name}), or where_contains(list, &field, ${name})`
  }
  try {
    evaluate(text, {})
    return undefined
  } catch (error) {
    // A type error is about the data, which is not there yet.
    if (error instanceof JMESPathTypeError) return undefined
    if (text.replaceAll(' ', '').includes('{}'))
      return 'must not contain {}: an empty object is written `{}`, with backticks'
    const reason = messageOf(error).replace(/^Invalid JMESPath expression: /i, '')
    return `must be a JMESPath expression, such as "response.id" (${reason}): see https://jmespath.org`
  }
}

/**
 * A filter sees only the fields of an item, and two missing fields are equal: `[?ref==key]` would find the first item
 * that has neither.
 */
function nameInFilter(text: string): string | undefined {
  const filters = text.split('[?').slice(1)
  const names = filters.map(
    (rest) => /[=<>,]\s*(key|now|input|event|response)(?![\w(])/.exec(rest.split(']')[0] ?? '')?.[1],
  )
  return names.find((name) => name !== undefined)
}

/**
 * Finds the value of an expression in a request: undefined if there is nothing.
 *
 * @param where the place of the expression in the connection: `open.body`
 * @throws Failure `refused` if it cannot be applied to the input
 */
export function find(text: string, names: Names, where: string): unknown {
  return applied(
    text,
    names,
    where,
    (why) => new Failure('refused', `${shown(where, text)} cannot be evaluated: ${why}`),
  )
}

/**
 * Finds the value of an expression in a response: undefined if there is nothing.
 *
 * @throws Failure `misconfigured` if it cannot be applied to this response
 */
export function findIn(text: string, names: Names, where: string): unknown {
  return applied(
    text,
    names,
    where,
    (why) =>
      new Failure(
        'misconfigured',
        `${shown(where, text)} does not fit the response of the API, which is ${responseOf(names, where)}: ${why}`,
      ),
  )
}

/** Finds the value of an expression in a response, as text. `to_string` makes the text `null` of nothing. */
export function findText(text: string | undefined, names: Names, where: string): string | undefined {
  const found = text === undefined ? undefined : findIn(text, names, where)
  if (found === undefined || found === '' || found === 'null') return undefined
  return typeof found === 'string' ? found : JSON.stringify(found)
}

/**
 * Finds text that a response must contain.
 *
 * @throws Failure `misconfigured`
 */
export function requireText(text: string, names: Names, where: string): string {
  const found = findText(text, names, where)
  if (found !== undefined) return found
  throw new Failure(
    'misconfigured',
    `${shown(where, text)} finds nothing in the response of the API, which is ${responseOf(names, where)}: correct the expression.`,
  )
}

/** Whether an expression finds something that JMESPath takes for true. */
export function holds(text: string | undefined, names: Names, where: string): boolean {
  if (text === undefined) return true
  return isTrue(find(text, names, where))
}

/** As JMESPath has it: nothing, false, and what is empty are not true. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

/** The place and the text of an expression, for messages. */
export function shown(where: string, text: string): string {
  return `${where} of the connection, "${clipSingleLine(text, MAX_SHOWN_CHARACTERS)}",`
}

/** The response that an expression reads, for messages. That of a login holds credentials that nothing masks yet. */
function responseOf({ response }: Names, where: string): string {
  if (!where.startsWith('login.')) return excerpt(response)
  if (response === undefined) return 'empty'
  return isRecord(response) ? `an object with ${Object.keys(response).join(', ') || 'no fields'}` : 'not an object'
}

/** The start of a response, for messages. What is secret in it is masked when the message is used. */
export function excerpt(response: unknown): string {
  if (response === undefined) return 'empty'
  return clipSingleLine(typeof response === 'string' ? response : JSON.stringify(response), 2 * MAX_SHOWN_CHARACTERS)
}

function applied(text: string, names: Names, where: string, failure: (why: string) => Failure): unknown {
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

function evaluate(text: string, data: object): unknown {
  return search(text, data as Data, { customFunctions: connectionFunctions })
}

/** JMESPath answers null for what is not there, which many APIs take for a value. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object') return value
  const entries = Object.entries(value as object).map(([name, one]): [string, unknown] => [name, withoutNulls(one)])
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined))
}
