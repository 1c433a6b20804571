import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KEY_PATTERN, MAX_WAIT_SECONDS } from '../../shared/agents/call-arguments.ts'
import type { ActionTool, Catalogue } from '../../shared/agents/catalogue.ts'
import { RESULT_SCHEMA } from '../../shared/agents/results.ts'
import { type Action, isStop } from '../../shared/providers/action.ts'
import { actionNamesOf, type Category, currentActions } from '../../shared/providers/category.ts'
import { isRecord } from '../../shared/record.ts'
import { type JsonSchema, jsonSchemaOf } from '../openapi/json-schema.ts'
import { PACKAGE } from '../project/roots.ts'

/** Returns the tools for agents: one for each action, sorted by name. */
export function catalogueOf(categories: readonly Category[]): Catalogue {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
  const tools = categories.flatMap((category) =>
    currentActions(category).map(([name, action]) => toolOf(category, name, action)),
  )
  return { version, tools: tools.sort((a, b) => (a.tool.name < b.tool.name ? -1 : 1)) }
}

function toolOf(category: Category, name: string, action: Category['actions'][string]): ActionTool {
  const { effect, type, summary } = action
  const isRead = effect === 'reads'
  const isImmediate = type === 'immediate'
  return {
    category: category.name,
    action: name,
    names: actionNamesOf(category, name),
    isImmediate,
    isRead,
    isStop: isStop(action),
    tool: {
      name: `${category.name}_${name}`,
      title: `${name} (${category.name})`,
      description: [
        `${summary}.`,
        isImmediate ? '' : 'May take minutes or hours: then the result has a taskId.',
        isRead ? '' : 'Repeat it with the same key after a timeout: it happens once. Another key is another call.',
      ]
        .filter(Boolean)
        .join(' '),
      inputSchema: inputSchemaOf(action, isRead),
      outputSchema: RESULT_SCHEMA,
      annotations: {
        readOnlyHint: isRead,
        destructiveHint: effect === 'irreversible',
        // The key makes a repetition the same call.
        idempotentHint: true,
        openWorldHint: true,
      },
    },
  }
}

const text = (description: string) => ({ type: 'string', description })

/** The fields of an event on which rules depend, and that the actions read. */
const DATA_FIELDS = ['project', 'stage', 'service', 'message']

function inputSchemaOf({ input }: Pick<Action, 'input'>, isRead: boolean): JsonSchema {
  const schema = simplify(jsonSchemaOf(input)) as JsonSchema
  const needsInput = Array.isArray(schema['required']) && schema['required'].length > 0
  return {
    type: 'object',
    properties: {
      connection: { ...text('Account at a platform: see list_connections'), 'x-mcp-header': 'Connection' },
      key: { ...text('A name for this one call, such as incident-4711-rollback'), pattern: KEY_PATTERN },
      input: schema,
      data: {
        type: 'object',
        description: 'The event',
        properties: Object.fromEntries(DATA_FIELDS.map((name) => [name, { type: 'string' }])),
      },
      deadline: text('Such as PT30M'),
      wait: { type: 'integer', minimum: 0, maximum: MAX_WAIT_SECONDS, description: 'Seconds' },
    },
    required: [...(isRead ? [] : ['key']), ...(needsInput ? ['input'] : [])],
    additionalProperties: false,
  }
}

/** Limits that the webhook explains better than a schema, and that make the list of tools long. */
const OMITTED = ['minLength', 'maxLength', 'minItems', 'maxItems', 'propertyNames', 'pattern', 'format']
const ALTERNATIVES = ['anyOf', 'oneOf'] as const

/** Returns a schema without alternatives and references, which models and gateways handle badly: the first alternative is enough. */
function simplify(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(simplify)
  if (!isRecord(value)) return value
  for (const keyword of ALTERNATIVES) {
    const { [keyword]: alternatives, ...others } = value
    const first = Array.isArray(alternatives)
      ? alternatives.find((one) => isRecord(one) && one['type'] !== 'null')
      : undefined
    if (first !== undefined) return simplify({ ...first, ...others })
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      if (name === 'properties' && isRecord(field))
        return [[name, Object.fromEntries(Object.entries(field).map(([key, child]) => [key, simplify(child)]))]]
      return OMITTED.includes(name) ? [] : [[name, simplify(field)]]
    }),
  )
}
