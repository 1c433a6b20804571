import type { Category } from '../../shared/providers/category.ts'
import { categories } from '../categories.ts'
import { table } from './table.ts'

/** Returns the table of categories and providers in README.md. */
export function categoryTable(): string {
  const all: readonly Category[] = categories
  return table(
    ['Category', 'Purpose', 'Providers'],
    all.map((category) => [
      `[${category.name}](functions/${category.name}/README.md)`,
      category.summary,
      Object.keys(category.providers).join(', '),
    ]),
  )
}
