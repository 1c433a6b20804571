import { type Part, type Schema, valueAt } from '../../infra/openapi/contract.ts'

/**
 * The kind of the checked value. Some properties are only in requests, others only in responses. A fake platform may omit
 * properties, leave them empty, and return values that the contract does not list. It has no others, and no other types.
 */
export type Direction = 'request' | 'response'

/** Keywords that are the same in every version. */
const plain = [
  'type',
  'enum',
  'const',
  'format',
  'pattern',
  'multipleOf',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'dependentRequired',
]
/** Keywords that bind a fake platform. */
const binding = [
  '$ref',
  'type',
  'properties',
  'items',
  'additionalProperties',
  'prefixItems',
  'allOf',
  'anyOf',
  'oneOf',
  'discriminator',
]
const single = ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames']
const several = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const composing = ['$ref', 'allOf', 'anyOf', 'oneOf', 'if']

/**
 * A schema of an OpenAPI document (2.0, 3.0 or 3.1) as JSON Schema 2020-12 that stands on its own: what it refers to is
 * in its `$defs`.
 *
 * Properties that the schema does not name are refused unless it says that there may be others, and so are
 * read-only ones in a request: no vendor reports a misspelled field.
 */
export function toJsonSchema(document: Part, schema: Schema, direction: Direction): Schema {
  const conversion = new Conversion(document, direction)
  const root = conversion.convert(schema, true)
  return typeof root === 'boolean' ? root : { ...root, $defs: conversion.definitions }
}

class Conversion {
  readonly definitions: Record<string, Schema> = {}
  readonly #document: Part
  readonly #direction: Direction

  constructor(document: Part, direction: Direction) {
    this.#document = document
    this.#direction = direction
  }

  /** @param closed whether properties that are not named are refused; not so within a composition, which knows them all */
  convert(schema: Schema, closed: boolean): Schema {
    if (typeof schema === 'boolean') return schema
    const composed = composing.some((keyword) => keyword in schema)
    const converted = this.#keywords(schema)
    // A schema that is only a reference can be closed at its target.
    const alone = Object.keys(converted).join() === '$ref'
    if (typeof schema['$ref'] === 'string') converted['$ref'] = this.#define(schema['$ref'], closed && alone)
    const open = schema['additionalProperties'] !== undefined
    if (closed && !open && !alone && (composed || schema['properties'])) converted['unevaluatedProperties'] = false
    // Else the composition around it would refuse what this part leaves free.
    if (!closed && this.#isFree(schema, composed)) converted['additionalProperties'] = true
    return schema['nullable'] === true || schema['x-nullable'] === true ? orNull(converted, composed) : converted
  }

  #keywords(complete: { [keyword: string]: unknown }): { [keyword: string]: unknown } {
    const isResponse = this.#direction === 'response'
    const schema = isResponse
      ? Object.fromEntries(Object.entries(complete).filter(([name]) => binding.includes(name)))
      : complete
    const result: { [keyword: string]: unknown } = {}
    if ('$ref' in schema) result['$ref'] = schema['$ref']
    for (const keyword of plain) if (keyword in schema) result[keyword] = schema[keyword]
    // In 2.0, which no validator of JSON Schema knows.
    if (result['type'] === 'file') delete result['type']
    if (isResponse && 'type' in result) result['type'] = [...new Set([result['type'], 'null'].flat())]
    for (const keyword of single) {
      if (keyword in schema) result[keyword] = this.convert(schema[keyword] as Schema, keyword !== 'not')
    }
    for (const keyword of several) {
      const parts = schema[keyword]
      if (Array.isArray(parts)) result[keyword] = parts.map((part) => this.convert(part, keyword === 'prefixItems'))
    }
    // The alternatives can overlap, because the value of the discriminator selects one.
    if ((isResponse || 'discriminator' in schema) && result['oneOf']) {
      result['anyOf'] = result['oneOf']
      delete result['oneOf']
    }
    // A boolean in addition to the limit up to 3.0, a number since 3.1.
    for (const [exclusive, limit] of [
      ['exclusiveMinimum', 'minimum'],
      ['exclusiveMaximum', 'maximum'],
    ] as const) {
      if (typeof schema[exclusive] === 'number') result[exclusive] = schema[exclusive]
      else if (schema[exclusive] === true) {
        result[exclusive] = schema[limit]
        delete result[limit]
      }
    }
    return { ...result, ...this.#properties(schema) }
  }

  #properties(schema: { [keyword: string]: unknown }): { [keyword: string]: unknown } {
    const isRequest = this.#direction === 'request'
    const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)
    const elsewhere = isRequest ? 'readOnly' : 'writeOnly'
    const absent = properties.filter(([, part]) => this.#says(part, elsewhere)).map(([name]) => name)
    const required = Array.isArray(schema['required']) ? schema['required'] : []
    const converted = properties.map(([name, part]) => [
      name,
      isRequest && absent.includes(name) ? false : this.convert(part, true),
    ])
    const needed = required.filter((name) => !absent.includes(name))
    return {
      ...(converted.length > 0 ? { properties: Object.fromEntries(converted) } : {}),
      ...(needed.length > 0 ? { required: needed } : {}),
    }
  }

  #says(schema: Schema, keyword: string): boolean {
    if (typeof schema === 'boolean') return false
    const { $ref } = schema
    return (
      schema[keyword] === true ||
      (typeof $ref === 'string' && this.#says(valueAt(this.#document, $ref) as Schema, keyword))
    )
  }

  #isFree(schema: { [keyword: string]: unknown }, composed: boolean): boolean {
    if (composed || schema['properties'] || schema['additionalProperties'] !== undefined) return false
    const { type } = schema
    return type === undefined ? schema['required'] === undefined : type === 'object'
  }

  #define(pointer: string, closed: boolean): string {
    const name = `${closed ? 'closed' : 'open'}:${pointer.replaceAll(/[^\w.-]/g, '_')}`
    if (!(name in this.definitions)) {
      // First there, then filled: a schema may refer to itself.
      this.definitions[name] = true
      this.definitions[name] = this.convert(valueAt(this.#document, pointer) as Schema, closed)
    }
    return `#/$defs/${name}`
  }
}

function orNull(schema: { [keyword: string]: unknown }, composed: boolean): Schema {
  const { type, enum: values } = schema
  if (composed || typeof type !== 'string') return { anyOf: [{ type: 'null' }, schema] }
  return {
    ...schema,
    type: [type, 'null'],
    ...(Array.isArray(values) ? { enum: [...new Set([...values, null])] } : {}),
  }
}
