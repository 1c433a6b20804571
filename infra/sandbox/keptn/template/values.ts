import { toBytes } from './bytes.ts'
import { CallError } from './errors.ts'

/**
 * A value in Go: JSON objects and arrays are `map[string]interface {}` and `[]interface {}`, JSON numbers are float64. A bigint
 * is an int (a constant of the template, an index), and a Map is the `map[string]string` of secrets.
 */
export type GoValue =
  | null
  | string
  | number
  | bigint
  | boolean
  | readonly GoValue[]
  | GoObject
  | ReadonlyMap<string, string>
export interface GoObject {
  readonly [key: string]: GoValue
}

/**
 * A value during the evaluation of a template; undefined if there is none. `boxed` values are in the `interface {}` of their map
 * or slice, which affects error messages and distinguishes nil from a missing value.
 */
export type Ref = { readonly value: GoValue; readonly boxed: boolean } | undefined

export const plain = (value: GoValue): Ref => ({ value, boxed: false })
export const boxed = (value: GoValue): Ref => ({ value, boxed: true })

/** Takes a value out of its interface. A nil interface has no value. */
export function unbox(ref: Ref): Ref {
  if (!ref?.boxed) return ref
  return ref.value === null ? undefined : plain(ref.value)
}

export const isList = (value: GoValue): value is readonly GoValue[] => Array.isArray(value)
export const isSecrets = (value: GoValue): value is ReadonlyMap<string, string> => value instanceof Map
export const isObject = (value: GoValue): value is GoObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map)

/** Returns the name of the Go type, as printed by error messages and %T. */
export function typeName(value: GoValue): string {
  if (value === null) return '<nil>'
  if (isList(value)) return '[]interface {}'
  if (isSecrets(value)) return 'map[string]string'
  if (typeof value === 'object') return 'map[string]interface {}'
  return { string: 'string', number: 'float64', bigint: 'int', boolean: 'bool' }[
    typeof value as 'string' | 'number' | 'bigint' | 'boolean'
  ]
}

export const typeOf = (ref: Exclude<Ref, undefined>): string => (ref.boxed ? 'interface {}' : typeName(ref.value))

/** Compares strings by their bytes, like Go. */
export const compareStrings = (a: string, b: string): number => Buffer.compare(toBytes(a), toBytes(b))

/** Returns the entries of a map in the order in which Go prints them. */
export function entries(value: GoObject | ReadonlyMap<string, string>): [string, GoValue][] {
  const pairs: [string, GoValue][] = isSecrets(value) ? [...value] : Object.entries(value)
  return pairs.sort(([a], [b]) => compareStrings(a, b))
}

/** Returns the value of a key. Looks only at own keys, because an event may contain a key such as "constructor". */
export function lookUp(map: GoObject | ReadonlyMap<string, string>, key: string): Ref {
  if (isSecrets(map)) {
    const value = map.get(key)
    return value === undefined ? undefined : plain(value)
  }
  return Object.hasOwn(map, key) ? boxed(map[key] ?? null) : undefined
}

/** Returns whether `if`, `with`, `and`, `or` and `not` treat a value as true: empty, zero and nil are false. */
export function isTrue(ref: Ref): boolean {
  const value = unbox(ref)?.value
  if (value === undefined || value === null) return false
  if (typeof value === 'string' || isList(value)) return value.length > 0
  if (isSecrets(value)) return value.size > 0
  if (isObject(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

/** Implements `len`. The length of a text is its number of bytes. */
export function lengthOf(ref: Ref): number {
  if (ref?.boxed && ref.value === null) throw new CallError('len of nil pointer')
  const value = unbox(ref)?.value
  if (value === undefined) throw new CallError('reflect: call of reflect.Value.Type on zero Value')
  if (typeof value === 'string') return toBytes(value).length
  if (value !== null && isList(value)) return value.length
  if (value !== null && isSecrets(value)) return value.size
  if (isObject(value)) return Object.keys(value).length
  throw new CallError(`len of type ${typeName(value)}`)
}
