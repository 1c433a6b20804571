import type { Category } from '../../../shared/providers/category.ts'
import { categories } from '../../project/categories.ts'
import { markdownTable } from '../../project/markdown-table.ts'

/** From this number on, providers that an earlier category has are only counted. */
const MIN_COUNTED = 3

/** Returns the table of categories and providers in README.md. */
export function categoryTable(): string {
  const all: readonly Category[] = categories
  const listed = new Set<string>()
  return markdownTable(
    ['Category', 'Purpose', 'Providers'],
    all.map(({ name, summary, providers }) => {
      const names = Object.keys(providers)
      const known = names.filter((provider) => listed.has(provider))
      for (const provider of names) listed.add(provider)
      const shown =
        known.length < MIN_COUNTED
          ? names
          : [...names.filter((provider) => !known.includes(provider)), `and ${known.length} of the above`]
      return [`[${name}](functions/${name}/README.md)`, summary, shown.join(', ')]
    }),
  )
}
