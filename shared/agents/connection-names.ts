import type { Caller } from '../auth/callers.ts'
import { listSecrets } from '../aws/deployment-secrets.ts'
import { log } from '../log.ts'

/** Names are read at most once in this time, even if they could not be read. */
const MAX_AGE_MS = 300_000

let names: Map<string, string[]> | undefined
let readAt = Number.NEGATIVE_INFINITY

/**
 * Returns the names of the connections of each category. Reads no connection.
 *
 * @returns undefined if they cannot be read now
 */
async function connectionNames(): Promise<ReadonlyMap<string, string[]> | undefined> {
  if (performance.now() - readAt < MAX_AGE_MS) return names
  readAt = performance.now()
  try {
    const found = new Map<string, string[]>()
    for (const path of (await listSecrets('connections/')).sort()) {
      const [category = '', name = ''] = path.split('/')
      found.set(category, [...(found.get(category) ?? []), name])
    }
    names = found
  } catch (error) {
    log.warn('connections not listed', error as Error)
  }
  return names
}

/** Returns the names of the connections that a caller may use, by category. */
export async function connectionsOf(
  { allowConnections = {} }: Caller,
  categories: Iterable<string>,
): Promise<Map<string, readonly string[] | undefined>> {
  const known = await connectionNames()
  return new Map(
    [...new Set(categories)].map((category) => {
      const allowed = Object.hasOwn(allowConnections, category) ? allowConnections[category] : undefined
      const stored = known?.get(category)
      return [category, allowed && stored ? stored.filter((name) => allowed.includes(name)) : (stored ?? allowed)]
    }),
  )
}
