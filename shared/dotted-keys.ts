import { type Failure, invalidInput } from './errors.ts'
import { isRecord } from './record.ts'

const MAX_DEPTH = 32

/**
 * Turns the dotted names of a form or a query into an object. Empty values are ignored: a template writes them for fields
 * that the event does not have.
 *
 * @example nest([['data.project', 'p'], ['input.labels', 'a'], ['input.labels', 'b']])
 * // { data: { project: 'p' }, input: { labels: ['a', 'b'] } }
 * @throws Failure `invalid` for a name that is both a value and an object, is too deep or is not allowed
 */
export function nest(pairs: Iterable<[string, string]>, into: Record<string, unknown> = {}): Record<string, unknown> {
  for (const [name, value] of pairs) {
    if (value !== '') put(into, name, value)
  }
  return into
}

function put(target: Record<string, unknown>, name: string, value: string): void {
  const path = name.split('.')
  if (path.length > MAX_DEPTH || path.some((part) => part === ''))
    throw invalidName(name, 'use a name such as data.project')
  let parent = target
  for (const part of path.slice(0, -1)) {
    refuseUnsafe(part, name)
    if (!Object.hasOwn(parent, part)) parent[part] = {}
    const child = parent[part]
    if (!isRecord(child)) throw invalidName(name, `${part} already has a value`)
    parent = child
  }
  const last = path.at(-1) as string
  refuseUnsafe(last, name)
  const existing = Object.hasOwn(parent, last) ? parent[last] : undefined
  if (existing === undefined) parent[last] = value
  else if (Array.isArray(existing)) existing.push(value)
  else if (typeof existing === 'string') parent[last] = [existing, value]
  else throw invalidName(name, 'it already has fields')
}

/** @throws Failure `invalid` for a name that could reach a prototype */
export function refuseUnsafe(part: string, name: string): void {
  if (part === '__proto__' || part === 'constructor' || part === 'prototype')
    throw invalidName(name, `${part} is not allowed`)
}

function invalidName(name: string, reason: string): Failure {
  return invalidInput(name.slice(0, 100), `is not a valid field name: ${reason}`)
}

/** Merges two objects. If both have a value, the upper one is used. */
export function overlay(lower: Record<string, unknown>, upper: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...lower }
  for (const [name, value] of Object.entries(upper)) {
    const below = Object.hasOwn(merged, name) ? merged[name] : undefined
    merged[name] = isRecord(below) && isRecord(value) ? overlay(below, value) : value
  }
  return merged
}
