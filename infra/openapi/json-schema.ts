import * as z from 'zod/mini'
import { isRecord } from '../../shared/record.ts'

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = Record<string, unknown>

/**
 * What a schema takes, as JSON Schema: of a field that is first made of text, what it is made to.
 *
 * @throws Error where it refers to a part of itself that is not just any JSON
 */
export function jsonSchemaOf(schema: z.core.$ZodType): JsonSchema {
  const { $schema: _, $defs = {}, ...made } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  for (const [name, part] of Object.entries($defs)) {
    if (part.properties) throw new Error(`The schema refers to ${name}, for which the document has no place.`)
  }
  return withoutReferences(made) as JsonSchema
}

/** Any JSON is `{}`. Zod spells it out, as a part that refers to itself, which it names from the root of the document. */
function withoutReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReferences)
  if (!isRecord(value)) return value
  if (typeof value['$ref'] === 'string') return {}
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, withoutReferences(held)]))
}
