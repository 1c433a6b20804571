import { categories } from '../../functions/index.ts'
import { actionNames, type Category } from '../../shared/providers/category.ts'
import { table } from './table.ts'

/** What there is, for the front page. */
export function categoryTable(): string {
  const all: readonly Category[] = categories
  return table(
    ['category', 'what it does', 'actions', 'platforms'],
    all.map((category) => [
      `[${category.name}](functions/${category.name}/README.md)`,
      category.summary,
      actionNames(category).join(', '),
      Object.keys(category.providers).join(', '),
    ]),
  )
}
