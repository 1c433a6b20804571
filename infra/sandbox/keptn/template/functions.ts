import { fromBytes, strayByte, toBytes } from './bytes.ts'
import { CallError } from './errors.ts'
import { formatValue, isPrintable, sprint } from './format.ts'
import { sprintf } from './sprintf.ts'
import {
  boxed,
  compareStrings,
  type GoValue,
  isList,
  isObject,
  isSecrets,
  isTrue,
  lengthOf,
  lookUp,
  plain,
  type Ref,
  typeName,
  unbox,
} from './values.ts'

/** A function of the template language. */
export interface TemplateFunction {
  needs: number
  variadic: boolean
  /** Whether the first argument is a format and must be a string. */
  format?: boolean
  run(args: readonly Ref[]): Ref
}

const contentOf = (ref: Ref): GoValue => ref?.value ?? null

function index(args: readonly Ref[]): Ref {
  let item = unbox(args[0])
  if (item === undefined) throw new CallError('index of untyped nil')
  for (const arg of args.slice(1)) {
    const container = unbox(item)?.value
    if (container === undefined) throw new CallError('index of nil pointer')
    item = member(container, unbox(arg)?.value)
  }
  return item
}

function member(container: GoValue, key: GoValue | undefined): Ref {
  if (typeof container === 'string' || isList(container)) {
    const kind = typeof container === 'string' ? 'string' : 'slice'
    const items = typeof container === 'string' ? toBytes(container) : container
    const at = position(key, items.length)
    if (at === items.length) throw new CallError(`reflect: ${kind} index out of range`)
    const found = items[at]
    return typeof container === 'string' ? plain(BigInt(Number(found))) : boxed((found as GoValue | undefined) ?? null)
  }
  if (isSecrets(container) || isObject(container)) {
    if (key === undefined || key === null) throw new CallError('value is nil; should be of type string')
    if (typeof key !== 'string') throw new CallError(`value has type ${typeName(key)}; should be string`)
    // A map returns the zero value for a missing key. Unlike a missing field, this is not an error.
    return lookUp(container, key) ?? (isSecrets(container) ? plain('') : boxed(null))
  }
  throw new CallError(`can't index item of type ${typeName(container)}`)
}

function position(key: GoValue | undefined, length: number): number {
  if (key === undefined || key === null) throw new CallError('cannot index slice/array with nil')
  if (typeof key !== 'bigint') throw new CallError(`cannot index slice/array with type ${typeName(key)}`)
  if (key < 0n || key > BigInt(length)) throw new CallError(`index out of range: ${key}`)
  return Number(key)
}

function slice(args: readonly Ref[]): Ref {
  const item = unbox(args[0])?.value
  if (item === undefined) throw new CallError('slice of untyped nil')
  if (args.length > 4) throw new CallError(`too many slice indexes: ${args.length - 1}`)
  if (typeof item === 'string' && args.length === 4) throw new CallError('cannot 3-index slice a string')
  if (typeof item !== 'string' && !isList(item)) throw new CallError(`can't slice item of type ${typeName(item)}`)
  const length = typeof item === 'string' ? toBytes(item).length : item.length
  const [from = 0, to = length, limit = length] = args.slice(1).map((arg) => position(unbox(arg)?.value, length))
  if (from > to) throw new CallError(`invalid slice index: ${from} > ${to}`)
  if (to > limit) throw new CallError(`invalid slice index: ${to} > ${limit}`)
  if (typeof item === 'string') return plain(fromBytes(toBytes(item).subarray(from, to)))
  return plain(item.slice(from, to))
}

type Kind = 'bool' | 'int' | 'float' | 'string'
const kinds: Record<string, Kind> = { boolean: 'bool', bigint: 'int', number: 'float', string: 'string' }

function equal(args: readonly Ref[]): boolean {
  const first = unbox(args[0])
  if (args.length < 2) throw new CallError('missing argument for comparison')
  refuseComposite(first)
  return args.slice(1).some((arg) => {
    const second = unbox(arg)
    if (first === undefined || second === undefined) return first === second
    if (kinds[typeof first.value] === undefined) return false
    if (kinds[typeof second.value] !== kinds[typeof first.value])
      throw new CallError('incompatible types for comparison')
    return first.value === second.value
  })
}

function refuseComposite(ref: Ref): void {
  if (ref && typeof ref.value === 'object' && ref.value !== null) {
    throw new CallError(`uncomparable type ${typeName(ref.value)}: ${formatValue(ref.value)}`)
  }
}

function less(args: readonly Ref[]): boolean {
  const [first, second] = args.slice(0, 2).map((arg) => unbox(arg)?.value)
  const kind = kinds[typeof first]
  const otherKind = kinds[typeof second]
  if (kind === undefined || otherKind === undefined) throw new CallError('invalid type for comparison')
  if (kind !== otherKind) throw new CallError('incompatible types for comparison')
  if (kind === 'bool') throw new CallError('invalid type for comparison')
  if (kind === 'string') return compareStrings(String(first), String(second)) < 0
  return Number(first) < Number(second)
}

/** Converts the arguments of html, js and urlquery to text. A missing value is printed in full. */
function asText(args: readonly Ref[]): string {
  const values = args.map(contentOf)
  return sprint(values.map((value) => (value === null ? '<no value>' : value)))
}

const htmlEscapes: Record<string, string> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}

const unicodeEscape = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

function escapeScript(text: string): string {
  return text.replace(/[\\'"<>&=\p{Cc}]|[^\0-\x7f]/gu, (character) => {
    if (character === '\\' || character === "'" || character === '"') return `\\${character}`
    const isUnescaped = isPrintable(character) || strayByte(character) !== undefined
    if (character === '\x7f' || (character > '\x7f' && isUnescaped)) return character
    return unicodeEscape(character)
  })
}

/** Go's url.QueryEscape. Escapes all characters that a shell or the deny list of webhook-service interprets. */
function escapeQuery(text: string): string {
  const escaped = toBytes(text).toString('latin1')
  return escaped
    .replace(/[^\w.~ -]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
    .replaceAll(' ', '+')
}

const test = (needs: number, run: (args: readonly Ref[]) => boolean): TemplateFunction => ({
  needs,
  variadic: false,
  run: (args) => plain(run(args)),
})
const text = (run: (args: readonly Ref[]) => string): TemplateFunction => ({
  needs: 0,
  variadic: true,
  run: (args) => plain(run(args)),
})

/** The built-in functions of Go templates. The evaluator implements `and` and `or`, because they short-circuit. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['and', { needs: 1, variadic: true, run: (args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1) }],
  ['or', { needs: 1, variadic: true, run: (args) => args.find(isTrue) ?? args.at(-1) }],
  ['not', test(1, ([arg]) => !isTrue(arg))],
  ['call', { needs: 1, variadic: true, run: call }],
  ['index', { needs: 1, variadic: true, run: index }],
  ['slice', { needs: 1, variadic: true, run: slice }],
  ['len', { needs: 1, variadic: false, run: ([arg]) => plain(BigInt(lengthOf(arg))) }],
  ['eq', { needs: 1, variadic: true, run: (args) => plain(equal(args)) }],
  ['ne', test(2, (args) => !equal(args))],
  ['lt', test(2, less)],
  ['le', test(2, (args) => less(args) || equal(args))],
  ['gt', test(2, (args) => !less(args) && !equal(args))],
  ['ge', test(2, (args) => !less(args))],
  ['html', text((args) => asText(args).replace(/[\0"'&<>]/g, (character) => htmlEscapes[character] ?? ''))],
  ['js', text((args) => escapeScript(asText(args)))],
  ['urlquery', text((args) => escapeQuery(asText(args)))],
  ['print', text((args) => sprint(args.map(contentOf)))],
  ['println', text((args) => `${args.map((arg) => formatValue(contentOf(arg))).join(' ')}\n`)],
  [
    'printf',
    {
      needs: 1,
      variadic: true,
      format: true,
      run: ([format, ...args]) => plain(sprintf(String(contentOf(format)), args.map(contentOf))),
    },
  ],
])

/** Always fails, because an event contains no functions. */
function call([target]: readonly Ref[]): Ref {
  const value = unbox(target)?.value
  if (value === undefined) throw new CallError('call of nil')
  throw new CallError(`non-function of type ${typeName(value)}`)
}
