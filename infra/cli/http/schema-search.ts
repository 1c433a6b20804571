import { isRecord } from '../../../shared/record.ts'
import { type Part, resolve, type Schema } from '../../openapi/contract.ts'
import { identifier } from './hints.ts'

/** Maximum number of levels of a schema that are searched. */
export const MAX_DEPTH = 4

type Flattened = { properties: Record<string, Part>; required: string[]; plain: Part }

/** Resolves references and compositions of a schema. Uses the first of several alternatives. */
export function flattened(document: Part, schema: Schema | undefined, depth = 0): Flattened {
  if (!isRecord(schema) || depth > 2 * MAX_DEPTH) return { properties: {}, required: [], plain: {} }
  const plain = resolve(document, schema)
  const alternatives = [...list(plain['oneOf']), ...list(plain['anyOf'])].filter(
    (alternative) => alternative['type'] !== 'null',
  )
  const parts = [...list(plain['allOf']), ...alternatives.slice(0, 1)].map((part) =>
    flattened(document, part, depth + 1),
  )
  return {
    plain: Object.assign({}, ...parts.map((part) => part.plain), plain),
    properties: Object.assign({}, ...parts.map((part) => part.properties), plain['properties']),
    required: [...parts.flatMap((part) => part.required), ...((plain['required'] ?? []) as string[])],
  }
}

function list(value: unknown): Part[] {
  return Array.isArray(value) ? value : []
}

/** Returns the properties of a response by level, with their paths. */
function levelsOf(document: Part, schema: Schema | undefined): { path: string; name: string; schema: Part }[][] {
  const levels: { path: string; name: string; schema: Part }[][] = []
  let parents = [{ path: 'response', schema }]
  for (let depth = 0; depth < MAX_DEPTH && parents.length > 0; depth++) {
    const level = parents.flatMap(({ path, schema: parent }) =>
      Object.entries(flattened(document, parent).properties).map(([name, member]) => ({
        path: `${path}.${identifier(name)}`,
        name,
        schema: member,
      })),
    )
    levels.push(level)
    parents = level
  }
  return levels
}

/** Returns the path of the first property with one of the names, such as `response.data.id`. */
export function pathTo(document: Part, schema: Schema | undefined, names: string[]): string | undefined {
  for (const level of levelsOf(document, schema)) {
    for (const name of names) {
      const found = level.find((property) => property.name === name && isPlain(document, property.schema))
      if (found) return found.path
    }
  }
  return undefined
}

/** Returns whether a schema describes a string, a number or a boolean. */
function isPlain(document: Part, schema: Part): boolean {
  const { plain, properties } = flattened(document, schema)
  return !['object', 'array'].includes(String(plain['type'])) && Object.keys(properties).length === 0
}

/** Returns the values that an enumeration with one of the names allows. */
export function valuesAt(document: Part, schema: Schema | undefined, names: string[]): string[] {
  const found = levelsOf(document, schema)
    .flat()
    .find(({ name, schema: property }) => names.includes(name) && isPlain(document, property))
  const values = found && flattened(document, found.schema).plain['enum']
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : []
}
