import type { Need } from '../../shared/providers/action.ts'
import type { Category } from '../../shared/providers/category.ts'

/** The facts about a category that the stack needs. */
export interface CategoryInfo {
  /** The name in URLs, folders and secrets, such as `issue-ticketing`. */
  name: string
  summary: string
  actions: Record<string, { needs?: readonly Need[] }>
  /** Names. */
  providers: readonly string[]
  /** Whether a provider runs jobs inside the task. They save their state in the table. */
  hasRunsInTask: boolean
  /** The types of sources that notify us of the runs of its providers. */
  notifiedBy: readonly string[]
  /** Paths that need no caller's token. */
  publicRoutes: readonly string[]
}

/** Loads the providers of a category to read what they declare. */
export async function describeCategory(category: Category): Promise<CategoryInfo> {
  const { name, summary, actions, routes = {} } = category
  const providers = await Promise.all(Object.values(category.providers).map((load) => load()))
  return {
    name,
    summary,
    actions,
    providers: Object.keys(category.providers),
    hasRunsInTask: providers.some(({ runsInTask }) => runsInTask === true),
    notifiedBy: [...new Set(providers.flatMap(({ notifiedBy }) => notifiedBy?.type ?? []))],
    publicRoutes: Object.keys(routes),
  }
}
