import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { type ExpressionNames, findIn } from '../../../shared/vendors/http/expression.ts'
import type { Evaluated, Step } from './recorder.ts'

/** Maximum number of values of a response that are searched. */
const MAX_VALUES = 20_000
/** Expressions that find nothing in a successful response. */
const USUALLY_EMPTY = /^(?:error|reason|.+\.(?:error|reason|if))$/
const MAX_NAMES = 12

export interface HintOptions {
  connection: Record<string, unknown>
  key?: string | undefined
  /** Requests that may correctly find nothing. */
  mayFindNothing?: readonly string[]
}

/** Suggests corrections of the connection, based on the response of a step. */
export function hintsOf(step: Step, options: HintOptions): string[] {
  const { name, response, expressions } = step
  if (!response || step.held) return []
  const { body } = response
  const ofResponse = hintOfResponse(name, body, options)
  if (ofResponse !== undefined && !isRecord(body)) return [ofResponse]
  const ofExpressions = expressions.flatMap((expression) => hintOfExpression(expression, step, options) ?? [])
  return [...new Set([...(ofResponse === undefined ? [] : [ofResponse]), ...ofExpressions])]
}

function hintOfResponse(name: string, body: unknown, { connection }: HintOptions): string | undefined {
  const request = requestOf(connection, name)
  if (typeof body === 'string' && request['responseType'] !== 'text') {
    return /^\s*</.test(body)
      ? `The response of ${name} is an HTML page instead of JSON. Check baseUrl, the path and the credentials.`
      : `The response of ${name} is text instead of JSON. If this is correct, add "responseType": "text" to ${name}.`
  }
  if (!isRecord(body) || connection['error'] !== undefined || request['error'] !== undefined) return undefined
  const path = errorIn(body)
  if (path === undefined) return undefined
  return `The response of ${name} looks like an error. Add "error": "${path}" to the connection so that it is treated as an error.`
}

/** Returns the path of an error message in envelopes such as JSON-RPC. */
function errorIn(body: Record<string, unknown>): string | undefined {
  for (const name of ['error', 'errors', 'fault', 'errorMessage']) {
    const error = body[name]
    if (error === undefined || error === null || error === false || error === '' || error === 0) continue
    if (Array.isArray(error) && error.length === 0) continue
    if (!isRecord(error)) return `response.${name}`
    const field = ['message', 'description', 'faultstring'].find((name) => typeof error[name] === 'string')
    return `response.${name}${field === undefined ? '' : `.${field}`}`
  }
  return undefined
}

function hintOfExpression(expression: Evaluated, step: Step, options: HintOptions): string | undefined {
  const { where, found } = expression
  const { states } = options.connection
  if (USUALLY_EMPTY.test(where)) return undefined
  if (where === 'run.state' && step.name === 'look' && isRecord(states) && typeof found === 'string') {
    if (Object.hasOwn(states, found)) return undefined
    return `run.state finds "${found}", which is not in states, so a run in this state never ends. If it is a final state, add "${found}" to states.`
  }
  if ((where === 'ticket.closed' || where === 'flag.on') && typeof found !== 'boolean') {
    return `${where} must find true or false, but finds ${found === undefined ? 'nothing' : JSON.stringify(found)}. Compare the value, as in response.state=='done'.`
  }
  if (found !== undefined && found !== 'null' && found !== '') return undefined
  const isAt = where === `${step.name}.at`
  if (options.mayFindNothing?.includes(step.name)) {
    if (isAt) return undefined
    if (isRecord(expression.names['response']) && Object.keys(expression.names['response']).length === 0)
      return `at of ${step.name} creates an empty object if there is no match. Add a condition, as in response[0] && {id: response[0].id}.`
  }
  const { body } = step.response ?? {}
  if (body === undefined) return hintOfEmpty(step.name)
  return (
    (isAt && ['find', 'hasComment'].includes(step.name) ? hintOfKey(expression, step, options) : undefined) ??
    hintOfName(expression, step)
  )
}

function hintOfEmpty(name: string): string {
  const then = name === 'open' || name === 'start' ? `. Add "then": "find" to ${name}, so that find gets the id` : ''
  return `The response of ${name} is empty${then}.`
}

/** Suggests where `find` must look for the key. */
function hintOfKey({ where, text }: Evaluated, step: Step, { key }: HintOptions): string | undefined {
  if (key === undefined) return undefined
  for (const { path, value } of valuesIn(step.response?.body)) {
    if (typeof value === 'string' && value.includes(key))
      return `${shown(where, text)} finds nothing. The idempotency key is at response${path}.`
  }
  return `The response of ${step.name} does not contain the idempotency key, ${key}. Check that the request that creates the item sends key, and that ${step.name} requests it.`
}

const PATH = /\bresponse((?:\.[A-Za-z_]\w*|\."[^"]*"|\[\d*\])*)/g

/** Suggests the path of a property that has the name in the expression. */
function hintOfName(expression: Evaluated, step: Step): string | undefined {
  const { where, text, names } = expression
  const body = step.response?.body
  for (const [expected, path = ''] of withoutLiterals(text).matchAll(PATH)) {
    const steps = path.match(/\.[A-Za-z_]\w*|\."[^"]*"|\[\d*\]/g) ?? []
    const last = steps.findLastIndex((part) => part.startsWith('.'))
    const name = steps[last]?.replace(/^\."?|"$/g, '')
    if (name === undefined || foundBy(expected, names) !== undefined) continue
    const rest = steps.slice(last + 1).join('')
    const near = pathTo(names['response'], name)
    if (near !== undefined) {
      const better = text.replace(expected, `response${near}${rest}`)
      // The values in a login response are secret.
      const found = step.name === 'login' ? undefined : foundBy(better, names)
      const finds = found === undefined ? '' : `, which finds ${inShort(found)}`
      return `${where} finds nothing at ${expected}. There is ${withArticle(near)} at response${near}: write ${better}${finds}.`
    }
    const far = pathTo(body, name)
    if (far !== undefined)
      return `${where} finds nothing at ${expected}. There is ${withArticle(far)} at response${far} of the complete response: correct ${step.name}.at.`
    return `${where} finds nothing at ${expected}: the response has no ${name}. It has ${namesIn(names['response'] ?? body)}.`
  }
  return undefined
}

/** Blanks out literals, which could look like paths. Keeps the length. */
function withoutLiterals(text: string): string {
  return text.replace(/'(?:\\'|[^'])*'|`[^`]*`/g, (literal) => ' '.repeat(literal.length))
}

function withArticle(path: string): string {
  const name = /(?:\.([A-Za-z_]\w*)|\."([^"]*)")(?:\[\d+\])*$/.exec(path)
  const word = name?.[1] ?? name?.[2] ?? ''
  return `${/^[aeiou]/i.test(word) ? 'an' : 'a'} ${word}`
}

/** Returns the shortest path to a non-empty property of this name, or of a name that differs only in case, - or _. */
function pathTo(value: unknown, name: string): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_\s]/g, '')
  let similar: string | undefined
  for (const entry of valuesIn(value)) {
    if (entry.name === undefined || entry.value === null || entry.value === '') continue
    if (entry.name === name) return entry.path
    if (plain(entry.name) === plain(name)) similar ??= entry.path
  }
  return similar
}

/** Yields all values of a response with their paths, shortest path first. */
function* valuesIn(root: unknown): Generator<{ path: string; name?: string; value: unknown }> {
  const due: { path: string; name?: string; value: unknown }[] = [{ path: '', value: root }]
  for (let next = 0; next < due.length && next < MAX_VALUES; next++) {
    const entry = due[next] as (typeof due)[number]
    yield entry
    const { path, value } = entry
    if (Array.isArray(value)) due.push(...value.map((item, index) => ({ path: `${path}[${index}]`, value: item })))
    else if (isRecord(value))
      due.push(
        ...Object.entries(value).map(([name, held]) => ({ path: `${path}.${identifier(name)}`, name, value: held })),
      )
  }
}

/** A name as JMESPath writes it. */
export function identifier(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)
}

function namesIn(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list; its first item is response[0]`
  if (!isRecord(value)) return value === undefined ? 'nothing' : inShort(value)
  const names = Object.keys(value)
  return names.length === 0 ? 'no properties' : names.slice(0, MAX_NAMES).join(', ')
}

function foundBy(text: string, names: Record<string, unknown>): unknown {
  try {
    return findIn(text, names as ExpressionNames, '')
  } catch {
    return undefined
  }
}

function inShort(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

function shown(where: string, text: string): string {
  return `${where}, "${clipSingleLine(text, 100)}",`
}

function requestOf(connection: Record<string, unknown>, name: string): Record<string, unknown> {
  const held = connection[name]
  const [request] = Array.isArray(held) ? held : [held]
  return isRecord(request) ? request : {}
}
