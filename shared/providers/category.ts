import type * as z from 'zod/mini'
import type { WebhookResponse } from '../http/response.ts'
import type { CallEvent } from '../orchestrators/event/event.ts'
import type { Action } from './action.ts'
import type { Provider } from './provider.ts'

/** A task category: one folder, one function. */
export interface Category {
  /** The name in URLs, folders and secrets: `issue-ticketing`. */
  name: string
  summary: string
  // biome-ignore lint/suspicious/noExplicitAny: each action's schema guards its input, and its kind guards its provider.
  actions: Record<string, Action<any, any, any>>
  /**
   * The names that renamed actions had before, by their names. Both are in `actions`. Calls under both names are the same call, and
   * documents show only the new name.
   */
  formerNames?: Record<string, string>
  actionMapping?: ActionMapping
  /** Handlers of public routes by their first path segment. Loaded when used. */
  routes?: Record<string, () => Promise<PublicRoute>>
  /** Providers by name. Loaded when used, so that a call pays for one provider only. */
  providers: Record<string, () => Promise<Provider>>
}

/** An action that stands for the others: the event selects one of them through its connection. */
export interface ActionMapping {
  /** The name in URLs: `run-action`. */
  name: string
  summary: string
  /** The required part of an event, for error messages. */
  requirement: string
  /** Fields that a connection of the category may have for the mapping. */
  connection: Record<string, z.ZodMiniType>
  /** Whether the connection maps actions. */
  isConfigured(connection: Record<string, unknown>): boolean
  /**
   * Returns the action that the event selects.
   *
   * @returns undefined if the event does not name an action
   * @throws Failure `refused` if the connection does not map the named action, `invalid`
   */
  resolve(event: CallEvent, connection: Record<string, unknown>, actions: Category['actions']): MappedAction | undefined
}

/** The action that an event selects. */
export interface MappedAction {
  /** One of the category's actions. */
  action: string
  /** A connection other than the one with the mapping. */
  connection?: string | undefined
  input: unknown
  /** The orchestrator's name for the action. */
  name: string
}

/** A request to a public route, which has no caller token. The route authenticates the sender itself. */
export interface RouteRequest {
  method: string
  /** The path segments after the route's own. */
  rest: string[]
  query: Record<string, string | undefined>
  /** The URL of the category, which the sender has called. */
  categoryUrl: string
  headers: Record<string, string | undefined>
  /** The raw body, as text. */
  body: string
  /** Epoch milliseconds. */
  now: number
}

/** The handler of a public route. */
export type PublicRoute = (category: Category, request: RouteRequest) => Promise<WebhookResponse>

type Named = Pick<Category, 'actions' | 'actionMapping' | 'formerNames'>

/** Returns the actions of a category by name, without former names. */
export function currentActions({ actions, formerNames = {} }: Named): [string, Category['actions'][string]][] {
  const former = Object.values(formerNames)
  return Object.entries(actions).filter(([name]) => !former.includes(name))
}

/** Returns the names of all actions that can be called, as in URLs, without former names. */
export function actionNames(category: Named): string[] {
  const { actionMapping } = category
  return [...(actionMapping ? [actionMapping.name] : []), ...currentActions(category).map(([name]) => name)]
}

/** Returns all names of an action, as in URLs. The first one identifies its calls. */
export function actionNamesOf(
  { formerNames = {} }: Pick<Category, 'formerNames'>,
  name: string,
): [string, ...string[]] {
  for (const [current, former] of Object.entries(formerNames))
    if (name === current || name === former) return [former, current]
  return [name]
}

/** Returns the names of the actions that a provider supports. */
export function actionsOf(category: Named, provider: Provider): string[] {
  return currentActions(category)
    .filter(([, { kind, isSupportedBy }]) => kind === provider.kind && (isSupportedBy?.(provider) ?? true))
    .map(([name]) => name)
}

/**
 * Declares a category.
 *
 * @example
 * export const accessRequests = defineCategory({
 *   name: 'access-requests',
 *   summary: 'Opens, updates and closes access requests',
 *   actions: { 'open-request': openTicket, 'update-request': updateTicket, 'close-request': closeTicket },
 *   providers: { acme: async () => (await import('./providers/acme.ts')).acme },
 * })
 */
export function defineCategory(category: Category): Category {
  return category
}
