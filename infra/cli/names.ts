import { categories } from '../../functions/index.ts'
import type { Action } from '../../shared/providers/action.ts'
import { actionNames, type Category } from '../../shared/providers/category.ts'
import { CONNECTION_NAME } from '../../shared/providers/connections.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { unknownName } from '../../shared/validate.ts'
import { UsageError } from './receiver.ts'

/** @throws UsageError that names the nearest */
export function categoryNamed(name: string): Category {
  const known: readonly Category[] = categories
  const found = known.find((category) => category.name === name)
  if (found) return found
  const names = known.map((category) => category.name)
  throw new UsageError(unknownName('category', name, names))
}

/**
 * `issue-ticketing/jira`, as a category and the name of a connection of it.
 *
 * @throws UsageError
 */
export function connectionNamed(text: string): { category: Category; name: string } {
  const [category = '', name = '', ...more] = text.split('/')
  if (name === '' || more.length > 0)
    throw new UsageError(`"${text}" is no connection: write category/name, such as issue-ticketing/default.`)
  return { category: categoryNamed(category), name: nameOf(name) }
}

/** @throws UsageError where a connection or an orchestrator can not be called so */
export function nameOf(name: string): string {
  if (CONNECTION_NAME.test(name)) return name
  throw new UsageError(`"${name}" can not be a name: write up to 63 of a-z, 0-9, - and _, a letter or digit first.`)
}

/** Of an action only what it says of itself is looked at here. */
type AnyAction = Pick<Action, 'type' | 'kind' | 'needs' | 'input' | 'outputs' | 'isNotification'>

/** What may be called at a category. */
export interface NamedAction {
  category: Category
  /** As in URLs. */
  name: string
  /** Undefined for the one that stands for the others: it takes no input. */
  action: AnyAction | undefined
  summary: string
}

/**
 * `issue-ticketing/open-issue`, as an action.
 *
 * @throws UsageError that names the nearest
 */
export function actionNamed(text: string): NamedAction {
  const [name = '', action = '', ...more] = text.split('/')
  if (action === '' || more.length > 0)
    throw new UsageError(`"${text}" is no action: write category/action, such as issue-ticketing/open-issue.`)
  const category = categoryNamed(name)
  const found = actionsOf(category).find((known) => known.name === action)
  if (found) return found
  throw new UsageError(unknownName('action', action, actionNames(category)))
}

/** All that may be called at a category. */
export function actionsOf(category: Category): NamedAction[] {
  return actionNames(category).map((name) => {
    const action = category.actions[name]
    return { category, name, action, summary: action?.summary ?? category.actionMapping?.summary ?? '' }
  })
}

/** @throws UsageError that names the nearest */
export async function providerNamed(category: Category, name: string): Promise<Provider> {
  const load = Object.hasOwn(category.providers, name) ? category.providers[name] : undefined
  if (load) return load()
  throw new UsageError(unknownName('provider', name, Object.keys(category.providers)))
}
