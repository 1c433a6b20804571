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
 * What an expression finds; undefined where there is nothing.
 *
 * @param where the expression stands, for messages: `open.body`
 * @throws Failure `refused` where it can not be applied to such data
 */
export function find(text: string, data: unknown, where: string): unknown {
  try {
    return withoutNulls(search(text, data as Data))
  } catch (error) {
    if (!(error instanceof JMESPathError)) throw error
    throw new Failure('refused', `${where} of the connection does not fit: ${messageOf(error)}`)
  }
}

/** What an expression finds, as text. */
export function findText(text: string | undefined, data: unknown, where: string): string | undefined {
  const found = text === undefined ? undefined : find(text, data, where)
  return found === undefined ? undefined : typeof found === 'string' ? found : JSON.stringify(found)
}

/** JMESPath answers null for what is not there, which many an API takes for a value. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object') return value
  const held = Object.entries(value as object).map(([name, one]): [string, unknown] => [name, withoutNulls(one)])
  return Object.fromEntries(held.filter(([, one]) => one !== undefined))
}
