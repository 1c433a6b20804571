import { JMESPathError, JMESPathTypeError, search } from '@aws-lambda-powertools/jmespath'
import * as z from 'zod/mini'
import { Failure, messageOf } from '../../errors.ts'
import { about } from '../../fields.ts'

type Data = Parameters<typeof search>[1]

/** A JMESPath expression, which is checked where the connection is read. @see https://jmespath.org/specification.html */
export function expression(description: string) {
  const readable = z.refine<string>((text) => isReadable(text), {
    message: 'must be a JMESPath expression, such as "result.id": see https://jmespath.org',
  })
  return about(z.string().check(z.minLength(1), z.maxLength(4_096), readable), description)
}

/** A type that does not fit is of the data, and not of the expression. */
function isReadable(text: string): boolean {
  try {
    search(text, {})
    return true
  } catch (error) {
    return error instanceof JMESPathTypeError
  }
}

/**
 * What an expression finds in what a call can read; undefined where there is nothing.
 *
 * @param where the expression stands, for messages: `open.body`
 * @throws Failure `refused` where it can not be applied to such data
 */
export function find(text: string, data: unknown, where: string): unknown {
  return apply(text, data, (why) => new Failure('refused', `${where} of the connection does not fit: ${why}`))
}

/**
 * What an expression finds in an answer.
 *
 * @throws Failure `misconfigured` if it cannot be applied to such an answer
 */
export function findIn(text: string, answer: unknown, where: string): unknown {
  return apply(
    text,
    answer,
    (why) => new Failure('misconfigured', `${where} of the connection does not fit what the API answered: ${why}`),
  )
}

function apply(text: string, data: unknown, failure: (why: string) => Failure): unknown {
  try {
    return withoutNulls(search(text, data as Data))
  } catch (error) {
    if (!(error instanceof JMESPathError)) throw error
    throw failure(messageOf(error))
  }
}

/** What an expression finds in an answer, as text. `to_string` makes the text `null` of nothing. */
export function findText(text: string | undefined, answer: unknown, where: string): string | undefined {
  const found = text === undefined ? undefined : findIn(text, answer, where)
  if (found === undefined || found === '' || found === 'null') return undefined
  return typeof found === 'string' ? found : JSON.stringify(found)
}

/** JMESPath answers null for what is not there, which many an API takes for a value. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object') return value
  const held = Object.entries(value as object).map(([name, one]): [string, unknown] => [name, withoutNulls(one)])
  return Object.fromEntries(held.filter(([, one]) => one !== undefined))
}
