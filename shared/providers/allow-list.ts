import { refused } from '../errors.ts'

/** Whether a list of a connection contains a name. An entry may end with `*`. */
export function isListed(name: string, list: readonly string[]): boolean {
  return list.some((entry) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : entry === name))
}

/**
 * Checks that a list of the connection contains the target of a start.
 *
 * @param field the name of the list in the connection
 * @throws Failure `refused`
 */
export function checkListed(target: string, field: string, list: readonly string[]): void {
  if (isListed(target, list)) return
  throw refused(`input.target ${target} is not in ${field} of the connection: ${list.join(', ')}.`)
}
