import { filterQuery } from './filters.tsx'
import { linkTo, route } from './route.ts'

/** Returns the link to a call that keeps the filters. */
export function linkToCall(id: string): string {
  return linkTo(['calls', id.slice(0, 8)], filterQuery(route.value.query))
}
