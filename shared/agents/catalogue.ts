import { readFileSync } from 'node:fs'
import type { Caller } from '../auth/callers.ts'
import type { ListedSecret } from '../aws/deployment-secrets.ts'
import { settings } from '../settings.ts'
import type { JsonObject, Tool } from './server.ts'

/** A tool that calls an action. The build writes these from the actions, so that this function loads none of them. */
export interface ActionTool {
  category: string
  action: string
  /** All names of the action, which a caller's `allow` may contain. */
  names: string[]
  /** The action usually ends within seconds. */
  isImmediate: boolean
  /** The action changes nothing. */
  isRead: boolean
  /** The action only stops what another one has started. */
  isStop: boolean
  tool: Tool
}

/** The file with the tools, which the build writes. */
export interface Catalogue {
  /** The version of this software. */
  version: string
  /** Sorted by name. */
  tools: ActionTool[]
}

let read: { file: string; catalogue: Catalogue } | undefined

/** Returns the tools of the deployed categories. */
export function deployedCatalogue(): Catalogue {
  const file = settings.toolsFile
  if (read?.file === file) return read.catalogue
  const { version, tools }: Catalogue = JSON.parse(readFileSync(file, 'utf8'))
  const webhooks = settings.webhookFunctions
  const deployed = tools.filter(({ category }) => Object.hasOwn(webhooks, category))
  read = { file, catalogue: { version, tools: deployed } }
  return read.catalogue
}

/** Returns the tools that a caller may use. */
export function toolsOf(caller: Caller): ActionTool[] {
  return deployedCatalogue().tools.filter((tool) => mayUse(caller, tool))
}

/** The webhook decides. This only hides what it would refuse. */
function mayUse({ categories, allow, writes }: Caller, { category, names, isRead, isStop }: ActionTool): boolean {
  if (writes === 'deny' && !isRead && !isStop) return false
  if (!categories.includes('*') && !categories.includes(category)) return false
  return !allow || ['*', ...names].some((name) => allow.includes(`${category}/${name}`))
}

/** More names would make the list of tools long. `list_connections` returns all. */
const MAX_LISTED_CONNECTIONS = 10

/** Returns a tool with the names of the connections that it may use, if they are known and few. */
export function withConnections({ tool }: ActionTool, connections: readonly ListedSecret[] | undefined): Tool {
  if (!connections || connections.length === 0 || connections.length > MAX_LISTED_CONNECTIONS) return tool
  const { properties, ...schema } = tool.inputSchema
  const { connection: { description: _, ...connection } = {}, ...others } = properties as Record<string, JsonObject>
  const names = connections.map(({ name }) => name)
  return {
    ...tool,
    inputSchema: { ...schema, properties: { connection: { ...connection, enum: names }, ...others } },
  }
}
