import * as z from 'zod/mini'
import { isRecord } from '../../shared/record.ts'

/** A JSON Schema (2020-12), for OpenAPI 3.1. */
export type JsonSchema = Record<string, unknown>

/**
 * Converts a schema to JSON Schema. A field that is parsed from text gets its parsed type.
 *
 * @throws Error if the schema is recursive, except through arbitrary JSON
 */
export function jsonSchemaOf(schema: z.core.$ZodType): JsonSchema {
  const { $schema: _, $defs = {}, ...made } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  for (const [name, part] of Object.entries($defs)) {
    if (part.properties) throw new Error(`Recursive schema ${name}: the document has no definitions.`)
  }
  return inlineJson(made) as JsonSchema
}

/** Replaces references with `{}`: zod writes arbitrary JSON as a recursive definition. */
function inlineJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inlineJson)
  if (!isRecord(value)) return value
  if (typeof value['$ref'] === 'string') return {}
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, inlineJson(child)]))
}

/** Refers to a schema of the document. */
export function schemaNamed(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}
