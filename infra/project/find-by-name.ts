import type { Action } from '../../shared/providers/action.ts'
import { actionNames, actionNamesOf, type Category } from '../../shared/providers/category.ts'
import { CONNECTION_NAME } from '../../shared/providers/connections.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { unknownAction } from '../../shared/unknown-action.ts'
import { unknownName } from '../../shared/validate.ts'
import { categories } from './categories.ts'
import { UsageError } from './usage-error.ts'

/** @throws UsageError that suggests the closest name */
export function findCategory(name: string): Category {
  const known: readonly Category[] = categories
  const found = known.find((category) => category.name === name)
  if (found) return found
  const names = known.map((category) => category.name)
  throw new UsageError(unknownName('category', name, names))
}

/**
 * Parses `issue-ticketing/jira` into a category and the name of a connection.
 *
 * @throws UsageError
 */
export function parseConnectionName(text: string): { category: Category; name: string } {
  const [category = '', name = '', ...more] = text.split('/')
  if (name === '' || more.length > 0)
    throw new UsageError(`Invalid connection "${text}". Write it as category/name, such as issue-ticketing/default.`)
  return { category: findCategory(category), name: checkName(name) }
}

/** @throws UsageError if the name is not valid for a connection, an orchestrator or a caller */
export function checkName(name: string): string {
  if (CONNECTION_NAME.test(name)) return name
  throw new UsageError(
    `Invalid name "${name}". Use up to 63 characters a-z, 0-9, - and _, and start with a letter or digit.`,
  )
}

/** The parts of an action that do not depend on its input type. */
type ActionInfo = Pick<Action, 'type' | 'kind' | 'effect' | 'needs' | 'input' | 'outputs' | 'isNotification'>

/** An action, or the endpoint of a category that selects the action by the event. */
export interface NamedAction {
  category: Category
  /** The name in URLs. */
  name: string
  /** Undefined for the endpoint that selects the action by the event: it takes no input. */
  action: ActionInfo | undefined
  summary: string
}

/**
 * Finds an action by its path, such as `issue-ticketing/open-issue`.
 *
 * @throws UsageError that suggests the closest name
 */
export function findAction(text: string): NamedAction {
  const [name = '', action = '', ...more] = text.split('/')
  if (action === '' || more.length > 0)
    throw new UsageError(`Invalid action "${text}". Write it as category/action, such as issue-ticketing/open-issue.`)
  const category = findCategory(name)
  const found = listActions(category).find((known) => actionNamesOf(category, known.name).includes(action))
  if (found) return found
  throw new UsageError(unknownAction(action, actionNames(category)))
}

/** Lists everything that callers can call in a category. */
export function listActions(category: Category): NamedAction[] {
  return actionNames(category).map((name) => {
    const action = category.actions[name]
    return { category, name, action, summary: action?.summary ?? category.actionMapping?.summary ?? '' }
  })
}

/** @throws UsageError that suggests the closest name */
export async function findProvider(category: Category, name: string): Promise<Provider> {
  const load = Object.hasOwn(category.providers, name) ? category.providers[name] : undefined
  if (load) return load()
  throw new UsageError(unknownName('provider', name, Object.keys(category.providers)))
}
