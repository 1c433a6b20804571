import type { Schema } from '../../infra/openapi/contract.ts'

/**
 * Reads fields such as `id! limit:1..100 sort:asc|desc tags:texts`. A field is text unless a type follows:
 * `text1..9` and `texts1..9` limit a length, `1..9` is an integer, `time` a date and time, `flag` a boolean, `count` an
 * integer from 0. Any other type lists the possible values.
 */
export function fields(list: string): Record<string, Schema> {
  return Object.fromEntries(parse(list).map(({ name, type }) => [name, schemaOf(type)]))
}

/** Returns the schema of an object with these fields; `!` marks those that it requires. */
export function object(list: string, more: Record<string, Schema> = {}): Schema {
  const required = parse(list).flatMap(({ name, isRequired }) => (isRequired ? [name] : []))
  return { type: 'object', required, properties: { ...fields(list), ...more } }
}

function parse(list: string) {
  return (list ? list.split(' ') : []).map((field) => {
    const [, name = '', marker, type = 'text'] = /^([^!:]+)(!?)(?::(.+))?$/.exec(field) ?? []
    if (!name) throw new Error(`Invalid field "${field}"`)
    return { name, type, isRequired: marker === '!' }
  })
}

function schemaOf(type: string): Schema {
  if (type === 'flag') return { type: 'boolean' }
  if (type === 'count') return { type: 'integer', minimum: 0 }
  if (type === 'time') return { type: 'string', format: 'date-time' }
  if (type === 'text') return { type: 'string' }
  if (type === 'texts') return { type: 'array', items: { type: 'string' } }
  const [, kind, min, max] = /^(texts?|)(\d+)\.\.(\d*)$/.exec(type) ?? []
  if (kind === undefined) return { enum: type.split('|') }
  const within = (least: string, most: string) => ({ [least]: Number(min), ...(max ? { [most]: Number(max) } : {}) })
  if (kind === 'text') return { type: 'string', ...within('minLength', 'maxLength') }
  if (kind === 'texts') return { type: 'array', items: { type: 'string' }, ...within('minItems', 'maxItems') }
  return { type: 'integer', ...within('minimum', 'maximum') }
}
