import * as z from 'zod/mini'
import { policyFileSchema } from '../../../shared/policy/file.ts'
import { eventsFileSchema } from '../../../shared/sources/events-file.ts'

/** Returns the JSON Schemas with which editors check and complete the files that users write. */
export function fileSchemas(): Record<string, string> {
  return {
    'docs/policy.schema.json': schemaText(policyFileSchema, 'policy.yaml of cloud-automation-webhooks'),
    'docs/events.schema.json': schemaText(eventsFileSchema, 'events.yaml of cloud-automation-webhooks'),
  }
}

/** Returns a schema of draft 7: older YAML language servers know no later draft. */
function schemaText(schema: z.core.$ZodType, title: string): string {
  const { $schema, ...made } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
  return `${JSON.stringify({ $schema, title, ...made }, null, 2)}\n`
}
