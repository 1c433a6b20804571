import { JMESPathError, JMESPathTypeError } from '@aws-lambda-powertools/jmespath'
import * as z from 'zod/mini'
import { messageOf } from '../../errors.ts'
import { withDescription } from '../../fields.ts'
import { jmespathReason } from '../../jmespath-reason.ts'
import { evaluateExpression } from './expression.ts'
import { wordsIn } from './expression-words.ts'
import { isFunction } from './functions.ts'
import { type NameTree, problemOfPath } from './names.ts'

/**
 * Returns a field for a JMESPath expression. Validates its syntax, its functions and the names that it reads.
 *
 * @see https://jmespath.org/specification.html
 */
export function expression(description: string, names: NameTree) {
  const readable = z.superRefine<string>((text, { addIssue }) => {
    const message = problemOf(text, names)
    if (message !== undefined) addIssue({ code: 'custom', message })
  })
  return withDescription(z.string().check(z.minLength(1), z.maxLength(4_096), readable), description)
}

/** Returns why a text is not a usable expression. */
export function problemOf(text: string, names: NameTree): string | undefined {
  return problemOfFilter(text) ?? problemOfSyntax(text) ?? problemOfWords(text, names)
}

function problemOfSyntax(text: string): string | undefined {
  try {
    evaluateExpression(text, {})
    return undefined
  } catch (error) {
    // A type error is caused by the missing data.
    if (error instanceof JMESPathTypeError) return undefined
    if (text.replaceAll(' ', '').includes('{}'))
      return 'must not contain {}. Write an empty object as `{}`, with backticks'
    const reason = error instanceof JMESPathError ? jmespathReason(error) : messageOf(error)
    return `must be a JMESPath expression, such as "response.id" (${reason}). See https://jmespath.org`
  }
}

function problemOfWords(text: string, names: NameTree): string | undefined {
  const { paths, functions } = wordsIn(text)
  const unknown = functions.find((name) => !isFunction(name))
  if (unknown !== undefined) return `calls ${unknown}, which is not a function. See docs/http.md`
  for (const path of paths) {
    const problem = problemOfPath(path, names)
    if (problem !== undefined) return problem
  }
  return undefined
}

/**
 * Returns why a filter cannot work.
 *
 * JMESPath evaluates a name in a filter as a field of the item, and missing fields are equal: `[?ref==key]` finds the first
 * item with neither `ref` nor `key`.
 */
function problemOfFilter(text: string): string | undefined {
  for (const rest of text.split('[?').slice(1)) {
    const name = /[=<>,]\s*(key|now|input|event|response|secrets)(?![\w(])/.exec(rest.split(']')[0] ?? '')?.[1]
    if (name !== undefined)
      return `inside [?..], "${name}" is a field of the item: write where(list, &field, ${name}), or where_contains(list, &field, ${name})`
  }
  return undefined
}
