import { JMESPathTypeError } from '@aws-lambda-powertools/jmespath'
import { Functions } from '@aws-lambda-powertools/jmespath/functions'
import { parseDuration } from '../../duration.ts'
import { escapeHtml } from '../../text/escape-html.ts'

/** An expression argument, such as `&name`: evaluated for each item of a list. */
interface ItemExpression {
  visit(item: unknown): unknown
}

type ArgumentTypes = Parameters<typeof Functions.signature>[0]['argumentsSpecs']

/** Limits the time that a slow pattern can take. */
const MAX_MATCHED_LENGTH = 10_000

type Definition = [types: ArgumentTypes, run: (...values: never[]) => unknown]

/** In JMESPath, the text of a missing value is "null", which APIs and people take for a value. */
const TO_STRING: Definition = [
  [['any']],
  (value: unknown) => (typeof value === 'string' ? value : value === null ? null : JSON.stringify(value)),
]

/** Functions with the types of their arguments. An expression calls `timeAdd` as `time_add`. */
const definitions: Record<string, Definition> = {
  split: [[['string'], ['string']], (text: string, separator: string) => text.split(separator)],
  replace: [
    [['string'], ['string'], ['string']],
    (text: string, from: string, to: string) => (from === '' ? text : text.replaceAll(from, () => to)),
  ],
  match: [[['string'], ['string']], match],
  lower: [[['string']], (text: string) => text.toLowerCase()],
  upper: [[['string']], (text: string) => text.toUpperCase()],
  trim: [[['string']], (text: string) => text.trim()],
  toString: TO_STRING,
  html: [[['string']], html],
  timeAdd: [[['string'], ['string']], addTime],
  toEpoch: [[['string']], (time: string) => Math.floor(epochMs(time) / 1_000)],
  fromEpoch: [[['number']], (seconds: number) => isoTime(seconds * 1_000)],
  // Filters in JMESPath cannot read names outside of the list.
  where: [
    [['array'], ['expression'], ['any']],
    (items: unknown[], of: ItemExpression, value: unknown) =>
      value === null ? [] : items.filter((item) => of.visit(item) === value),
  ],
  whereContains: [
    [['array'], ['expression'], ['any']],
    (items: unknown[], of: ItemExpression, text: unknown) =>
      typeof text !== 'string' || text === '' ? [] : items.filter((item) => String(of.visit(item)).includes(text)),
  ],
}

/** Adds functions to those of JMESPath, and replaces `to_string`. */
class ConnectionFunctions extends Functions {}

for (const [name, [argumentsSpecs, run]] of Object.entries(definitions)) {
  const method = methodOf(name)
  const descriptor = { value: run, writable: true, configurable: true }
  // A decorator, called as a function because Node.js does not support decorators.
  Functions.signature({ argumentsSpecs })(ConnectionFunctions.prototype, method, descriptor)
  Object.defineProperty(ConnectionFunctions.prototype, method, descriptor)
}

export const connectionFunctions = new ConnectionFunctions()
const methods = connectionFunctions.introspectMethods()
// The library collects the same names for every expression.
connectionFunctions.introspectMethods = () => methods

/** Returns whether an expression can call a function. */
export function isFunction(name: string): boolean {
  return methods.has(methodOf(name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase())))
}

function methodOf(name: string): string {
  return `func${name[0]?.toUpperCase()}${name.slice(1)}`
}

/** Returns plain text as HTML. */
function html(text: string): string {
  return escapeHtml(text).replace(/\r\n?|\n/g, '<br>')
}

/** Returns the match and its groups, or null. */
function match(text: string, pattern: string): (string | null)[] | null {
  const found = expressionOf(pattern).exec(text.slice(0, MAX_MATCHED_LENGTH))
  return found && Array.from(found, (group) => group ?? null)
}

function expressionOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    throw new ArgumentError('the second argument is not a regular expression')
  }
}

/** Adds an ISO 8601 duration to a time; `-PT1H` subtracts. */
function addTime(time: string, duration: string): string {
  const [sign, length] = duration.startsWith('-') ? [-1, duration.slice(1)] : [1, duration]
  return isoTime(epochMs(time) + sign * secondsIn(length) * 1_000)
}

function secondsIn(duration: string): number {
  try {
    return parseDuration(duration, 'the second argument')
  } catch {
    throw new ArgumentError('the second argument is not an ISO 8601 duration, such as PT30M')
  }
}

function epochMs(time: string): number {
  const ms = Date.parse(time)
  if (Number.isNaN(ms)) throw new ArgumentError('the first argument is not an ISO 8601 time')
  return ms
}

/** Formats a time as ISO 8601 in UTC, to the second. */
function isoTime(ms: number): string {
  if (Number.isNaN(new Date(ms).getTime())) throw new ArgumentError('the time is outside the range of dates')
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** Reports an invalid argument without its value, which may be a credential. The library drops errors of other types. */
class ArgumentError extends JMESPathTypeError {
  readonly #reason: string

  constructor(reason: string) {
    super({ currentValue: reason, expectedTypes: [], actualType: 'string' })
    this.#reason = reason
  }

  override setEvaluatedFunctionName(name: string): void {
    this.message = `${name}(): ${this.#reason}`
  }
}
