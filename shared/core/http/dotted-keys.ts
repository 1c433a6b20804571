import { Failure } from '../../errors.ts'
import { isRecord } from '../../record.ts'

const deepest = 32

/**
 * A form's or a query's names and values as an object: `data.project=p&input.labels=a&input.labels=b` is
 * `{data: {project: 'p'}, input: {labels: ['a', 'b']}}`. An empty value is left out: that is what a template leaves
 * behind where the event lacks the field.
 *
 * @throws Failure `invalid` for a name that is both a value and an object, nests too deep or is not allowed
 */
export function nest(pairs: Iterable<[string, string]>, into: Record<string, unknown> = {}): Record<string, unknown> {
  for (const [name, value] of pairs) {
    if (value !== '') put(into, name, value)
  }
  return into
}

function put(target: Record<string, unknown>, name: string, value: string): void {
  const path = name.split('.')
  if (path.length > deepest || path.some((part) => part === '')) throw wrongName(name, 'write it like data.project')
  let holder = target
  for (const part of path.slice(0, -1)) {
    refuseUnsafe(part, name)
    if (!Object.hasOwn(holder, part)) holder[part] = {}
    const next = holder[part]
    if (!isRecord(next)) throw wrongName(name, `${part} is a value already`)
    holder = next
  }
  const last = path.at(-1) as string
  refuseUnsafe(last, name)
  const there = Object.hasOwn(holder, last) ? holder[last] : undefined
  if (there === undefined) holder[last] = value
  else if (Array.isArray(there)) there.push(value)
  else if (typeof there === 'string') holder[last] = [there, value]
  else throw wrongName(name, 'it has a value of its own and parts below it')
}

/** @throws Failure `invalid` for a name that could reach a prototype */
export function refuseUnsafe(part: string, name: string): void {
  if (part === '__proto__' || part === 'constructor' || part === 'prototype')
    throw wrongName(name, `${part} is not allowed in a name`)
}

function wrongName(name: string, why: string): Failure {
  const shown = name.slice(0, 100)
  return new Failure('invalid', `The field name "${shown}" can not be used: ${why}`, {
    errors: [{ path: shown, message: why }],
  })
}

/** One object laid over another: what both have is taken from the upper one, objects are merged. */
export function overlay(lower: Record<string, unknown>, upper: Record<string, unknown>): Record<string, unknown> {
  const laid = { ...lower }
  for (const [name, value] of Object.entries(upper)) {
    const below = Object.hasOwn(laid, name) ? laid[name] : undefined
    laid[name] = isRecord(below) && isRecord(value) ? overlay(below, value) : value
  }
  return laid
}
