import { categories } from '../../functions/index.ts'
import type { Category } from '../../shared/providers/category.ts'

/** Returns the category of a sample or a provider: `ci-cd/nci`. */
export function categoryOf(path: string): Category {
  const [categoryName] = path.split('/')
  const category = categories.find((one) => one.name === categoryName)
  if (!category) throw new Error(`Unknown category ${categoryName}`)
  return category
}
