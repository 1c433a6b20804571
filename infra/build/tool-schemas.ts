import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KEY_PATTERN } from '../../shared/agents/call-arguments.ts'
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
      description: `${summary}.`,
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
/** The event: what a rule of the policy may depend on, and in messages to people its message. */
const dataOf = (...more: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(['project', 'stage', 'service', ...more].map((name) => [name, { type: 'string' }])),
})

function inputSchemaOf(
  { input, isNotification }: Pick<Action, 'input' | 'isNotification'>,
  isRead: boolean,
): JsonSchema {
  const schema = simplify(jsonSchemaOf(input)) as JsonSchema
  const needsInput = Array.isArray(schema['required']) && schema['required'].length > 0
  const required = [...(isRead ? [] : ['key']), ...(needsInput ? ['input'] : [])]
  return {
    type: 'object',
    // The list of tools repeats these, so they say little: the instructions of the server explain them.
    properties: {
      connection: { ...text('See list_connections'), 'x-mcp-header': 'Connection' },
      key: { ...text('The same key is the same call'), pattern: KEY_PATTERN },
      input: schema,
      data: isNotification ? dataOf('message') : dataOf(),
      deadline: { type: 'string' },
      wait: { type: 'integer' },
    },
    ...(required.length > 0 ? { required } : {}),
  }
}

/** Limits that the webhook explains better than a schema, and that make the list of tools long. */
const OMITTED = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'propertyNames',
  'pattern',
  'format',
  'additionalProperties',
]
const ALTERNATIVES = ['anyOf', 'oneOf'] as const
/** Parts of descriptions for readers of the reference. An agent sends JSON without a context, and sees the type of a field. */
const FOR_READERS = [
  /, by (?:the platform's )?name(?=$|\.)/,
  / Defaults to the connection's \w+$/,
  /; cut after [\d,]+ characters/,
  / In a form: .*/,
  /: \[\{.*?\}\](?=\.)/,
  / Defaults to the title of .*|, including a missing metric/,
  /, or `last` for .*/,
  // The only id with which an agent may stop a run.
  /^`data\.id` of the start, (?=the id of the task)/,
  /, for agents only that one/,
  /^A list, or text with commas$|^on or off$|^What happens to a run at the deadline$/,
]

/** Returns what an agent needs of a description. */
function shorten(description: string): string {
  return FOR_READERS.reduce((text, part) => text.replace(part, ''), description).replace(/\.$/, '')
}

/**
 * Returns a schema without alternatives and references, which models and gateways handle badly: the first alternative is enough.
 *
 * @param name of the field
 */
function simplify(value: unknown, name?: string): unknown {
  if (Array.isArray(value)) return value.map((item) => simplify(item))
  if (!isRecord(value)) return value
  for (const keyword of ALTERNATIVES) {
    const { [keyword]: alternatives, ...others } = value
    const first = Array.isArray(alternatives)
      ? alternatives.find((one) => isRecord(one) && one['type'] !== 'null')
      : undefined
    if (first !== undefined) return simplify({ ...first, ...others }, name)
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([keyword, held]): [string, unknown][] => {
      if (keyword === 'properties' && isRecord(held))
        return [[keyword, Object.fromEntries(Object.entries(held).map(([key, child]) => [key, simplify(child, key)]))]]
      if (keyword !== 'description') return OMITTED.includes(keyword) ? [] : [[keyword, simplify(held)]]
      const text = shorten(String(held))
      return text === '' || text.toLowerCase() === name ? [] : [[keyword, text]]
    }),
  )
}
