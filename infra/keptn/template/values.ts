import { toBytes } from './bytes.ts'
import { CallError } from './errors.ts'

/**
 * A value as the Go program holds it: JSON's objects and arrays are `map[string]interface {}` and `[]interface {}`, its
 * numbers float64. A bigint is an int (a constant of the template, an index), a Map the `map[string]string` of secrets.
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
 * A value on its way through a template. `boxed`: it still lies in the `interface {}` of its map or slice, which shows in
 * error texts and keeps a nil there apart from no value at all. Undefined is no value.
 */
export type Ref = { readonly value: GoValue; readonly boxed: boolean } | undefined

export const plain = (value: GoValue): Ref => ({ value, boxed: false })
export const boxed = (value: GoValue): Ref => ({ value, boxed: true })

/** Takes a value out of its interface; a nil interface holds nothing. */
export function unbox(ref: Ref): Ref {
  if (!ref?.boxed) return ref
  return ref.value === null ? undefined : plain(ref.value)
}

export const isList = (value: GoValue): value is readonly GoValue[] => Array.isArray(value)
export const isSecrets = (value: GoValue): value is ReadonlyMap<string, string> => value instanceof Map
export const isObject = (value: GoValue): value is GoObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map)

/** The name of a value's Go type, as error texts and %T print it. */
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

/** Go orders strings by their bytes. */
export const compareStrings = (a: string, b: string): number => Buffer.compare(toBytes(a), toBytes(b))

/** The entries of a map in the order in which Go ranges over and prints them. */
export function entries(value: GoObject | ReadonlyMap<string, string>): [string, GoValue][] {
  const pairs: [string, GoValue][] = isSecrets(value) ? [...value] : Object.entries(value)
  return pairs.sort(([a], [b]) => compareStrings(a, b))
}

/** A map's value for a key, undefined where it has none. Only own keys: an event may well hold "constructor". */
export function lookUp(map: GoObject | ReadonlyMap<string, string>, key: string): Ref {
  if (isSecrets(map)) {
    const value = map.get(key)
    return value === undefined ? undefined : plain(value)
  }
  return Object.hasOwn(map, key) ? boxed(map[key] ?? null) : undefined
}

/** `if`, `with`, `and`, `or`, `not`: empty, zero and nil are false. */
export function isTrue(ref: Ref): boolean {
  const value = unbox(ref)?.value
  if (value === undefined || value === null) return false
  if (typeof value === 'string' || isList(value)) return value.length > 0
  if (isSecrets(value)) return value.size > 0
  if (isObject(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

/** `len`: of text the bytes, not the characters. */
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
