import type { Category } from './category.ts'

/** Providers and actions of an application for a shipped category. */
export type CategoryExtension = Partial<Pick<Category, 'actions' | 'providers'>>

/**
 * Adds providers and actions to a category.
 *
 * @throws Error if the category already has a provider or an action with this name
 * @example
 * export const issueTicketing = extendCategory(shipped, {
 *   providers: { acme: async () => (await import('./providers/acme.ts')).acme },
 * })
 */
export function extendCategory(category: Category, { actions = {}, providers = {} }: CategoryExtension): Category {
  requireNew(category, 'provider', category.providers, providers)
  requireNew(category, 'action', category.actions, actions)
  return {
    ...category,
    actions: { ...category.actions, ...actions },
    providers: { ...category.providers, ...providers },
  }
}

/** A replaced provider would receive the credentials of connections that name the other one. */
function requireNew({ name }: Category, noun: string, existing: object, added: object): void {
  const known = Object.keys(added).find((key) => Object.hasOwn(existing, key))
  if (known !== undefined)
    throw new Error(`The category ${name} already has the ${noun} ${known}. Choose another name.`)
}
