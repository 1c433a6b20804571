import * as z from 'zod/mini'
import { isAnyOf } from '../../../shared/policy/names.ts'
import { actionNames } from '../../../shared/providers/category.ts'
import { categories } from '../../project/categories.ts'

export const NO_SUCH_ACTION =
  'No action matches it. Write category/action, such as ci-cd/trigger-deployment or ci-cd/*.'

const patterns = z.optional(z.array(z.string()))

/** A form of the console. Without conditions, it stops everything. */
export const stopForm = z.strictObject({
  reason: z.string().check(z.trim(), z.minLength(1)),
  actions: patterns,
  except: patterns,
  connections: patterns,
})

export type StopForm = z.output<typeof stopForm>

/** Whether a pattern matches an action: a stop that matches nothing would be noticed too late. */
export function matchesAnAction(pattern: string): boolean {
  return categories.some((category) =>
    actionNames(category).some((name) => isAnyOf([pattern], `${category.name}/${name}`)),
  )
}
