import { JMESPathError, search } from '@aws-lambda-powertools/jmespath'
import { Failure, toSentence } from '../../errors.ts'
import { trace } from '../../http/trace.ts'
import { jmespathReason } from '../../jmespath-reason.ts'
import { isRecord } from '../../record.ts'
import { clipSingleLine } from '../../text/single-line.ts'
import { wordsIn } from './expression-words.ts'
import { connectionFunctions } from './functions.ts'

type Data = Parameters<typeof search>[1]

const MAX_SHOWN_CHARACTERS = 200

/** How `response` was selected from a complete response, for messages. A symbol, so that no expression can read it. */
export const SELECTION = Symbol('selection')

/** The names that expressions can use. A kind of provider may add names, such as `message`. */
export interface ExpressionNames extends Record<string, unknown> {
  input: unknown
  /** The idempotency key. Undefined if the call has no id. */
  key: string | undefined
  /** The origin of the call: `id`, `context`, `project`, `stage`, `service`, `labels`. */
  event: unknown
  /** ISO 8601, UTC. */
  now: string
  /** `secrets` of the connection. */
  secrets: Record<string, string>
  /** The body of the response, or the part of it that `at` finds. */
  response?: unknown
  [SELECTION]?: { where: string; complete: ExpressionNames }
}

/**
 * Evaluates an expression of a request.
 *
 * @param where path of the expression in the connection: `open.body`
 * @throws Failure `misconfigured` if it cannot be evaluated for the input
 */
export function find(text: string, names: ExpressionNames, where: string): unknown {
  return evaluateTraced(text, names, where, (reason) => {
    const isKeyMissing = names.key === undefined && wordsIn(text).paths.some(([name]) => name === 'key')
    const hint = isKeyMissing ? " The call has no id or is a dry run, so key has no value: write key || ''." : ''
    return new Failure('misconfigured', `${fieldName(where)} cannot be evaluated: ${toSentence(reason)}${hint}`)
  })
}

/**
 * Evaluates an expression of a response.
 *
 * @throws Failure `misconfigured` if it cannot be evaluated for this response
 */
export function findIn(text: string, names: ExpressionNames, where: string): unknown {
  return evaluateTraced(
    text,
    names,
    where,
    (reason) => new Failure('misconfigured', `${fieldName(where)} does not fit ${responseOf(names, where)}: ${reason}`),
  )
}

/** Returns a value as text. The text `null` counts as no value: it is what `to_string` makes of a missing field. */
export function textOf(value: unknown): string | undefined {
  if (value === undefined || value === '' || value === 'null') return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * Evaluates an expression as text that the response must contain.
 *
 * @throws Failure `misconfigured` if it finds nothing
 */
export function requireText(text: string, names: ExpressionNames, where: string): string {
  const found = textOf(findIn(text, names, where))
  if (found !== undefined) return found
  throw new Failure('misconfigured', `${findsNothing(names, where)}. Correct the expression.`)
}

/**
 * Evaluates an expression that must find true or false.
 *
 * @throws Failure `misconfigured`
 */
export function requireBoolean(text: string, names: ExpressionNames, where: string): boolean {
  const found = findIn(text, names, where)
  if (typeof found === 'boolean') return found
  throw new Failure(
    'misconfigured',
    `${fieldName(where)} must find true or false, but finds ${found === undefined ? 'nothing' : excerpt(found)} in ${responseOf(names, where)}.`,
  )
}

/** Returns whether the value of an expression is true in JMESPath. */
export function holds(text: string | undefined, names: ExpressionNames, where: string): boolean {
  if (text === undefined) return true
  return isTrue(find(text, names, where))
}

/** Follows JMESPath: false and empty values are not true. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

/** Names an expression in messages. Its text is not shown to callers and in logs, because it may contain a credential. */
export function fieldName(where: string): string {
  return `${where} of the connection`
}

/** Describes an expression that finds nothing, for messages. */
export function findsNothing(names: ExpressionNames, where: string): string {
  const { response, [SELECTION]: selection } = names
  const nothing = `${fieldName(where)} finds nothing`
  if (selection === undefined || response !== undefined) return `${nothing} in ${responseOf(names, where)}`
  return `${nothing}, because ${findsNothing(selection.complete, selection.where)}`
}

/** Describes a response for messages. */
export function responseOf(names: ExpressionNames, where: string): string {
  const { response, [SELECTION]: selection } = names
  const value = where.startsWith('login.') ? describeLogin(response) : excerpt(response)
  if (selection === undefined) return `the response of the API, which is ${value}`
  // An empty part does not explain anything.
  const source = isTrue(response) ? 'the response of the API' : responseOf(selection.complete, where)
  return `${value}, which ${fieldName(selection.where)} selects from ${source}`
}

/** A login response contains credentials that are not registered yet. */
function describeLogin(response: unknown): string {
  if (response === undefined) return 'empty'
  return isRecord(response) ? `an object with ${Object.keys(response).join(', ') || 'no fields'}` : 'not an object'
}

/** Returns the start of a response, for messages. */
export function excerpt(response: unknown): string {
  if (response === undefined) return 'empty'
  return clipSingleLine(typeof response === 'string' ? response : JSON.stringify(response), MAX_SHOWN_CHARACTERS)
}

function evaluateTraced(
  text: string,
  names: ExpressionNames,
  where: string,
  failure: (reason: string) => Failure,
): unknown {
  requireSecrets(text, names, where)
  try {
    const found = withoutNulls(evaluateExpression(text, names))
    trace({ kind: 'expression', where, text, names, found })
    return found
  } catch (error) {
    if (!(error instanceof JMESPathError)) throw error
    const problem = jmespathReason(error)
    trace({ kind: 'expression', where, text, names, problem })
    throw failure(problem)
  }
}

/** @throws Failure `misconfigured` if the expression reads a secret that the connection does not have */
function requireSecrets(text: string, { secrets }: ExpressionNames, where: string): void {
  if (!text.includes('secrets')) return
  const missing = wordsIn(text).paths.find(([root, name = '']) => root === 'secrets' && !Object.hasOwn(secrets, name))
  if (!missing) return
  throw new Failure(
    'misconfigured',
    `${fieldName(where)} reads ${missing.join('.')}, which is not in "secrets" of the connection. Add it to the secret.`,
  )
}

/** Evaluates a JMESPath expression. @throws JMESPathError */
export function evaluateExpression(text: string, data: object): unknown {
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
