import type { Caller } from '../auth/callers.ts'
import { type ListedSecret, listSecrets } from '../aws/deployment-secrets.ts'
import { log } from '../log.ts'

/** Connections are listed at most once in this time, even if they could not be. */
const MAX_AGE_MS = 300_000

let listed: Map<string, ListedSecret[]> | undefined
let readAt = Number.NEGATIVE_INFINITY

/**
 * Lists the connections of each category. Reads no connection.
 *
 * @returns undefined if they cannot be listed now
 */
async function listConnections(): Promise<ReadonlyMap<string, ListedSecret[]> | undefined> {
  if (performance.now() - readAt < MAX_AGE_MS) return listed
  readAt = performance.now()
  try {
    const found = new Map<string, ListedSecret[]>()
    for (const { name: path, description } of await listSecrets('connections/')) {
      const [category = '', name = ''] = path.split('/')
      found.set(category, [...(found.get(category) ?? []), { name, description }])
    }
    for (const connections of found.values()) connections.sort((a, b) => (a.name < b.name ? -1 : 1))
    listed = found
  } catch (error) {
    log.warn('connections not listed', error as Error)
  }
  return listed
}

/** Returns the connections that a caller may use, by category. */
export async function connectionsOf(
  { allowConnections = {} }: Caller,
  categories: Iterable<string>,
): Promise<Map<string, readonly ListedSecret[] | undefined>> {
  const known = await listConnections()
  return new Map(
    [...new Set(categories)].map((category) => {
      const allowed = Object.hasOwn(allowConnections, category) ? allowConnections[category] : undefined
      const stored = known?.get(category)
      if (!stored) return [category, allowed?.map((name) => ({ name }))]
      return [category, allowed ? stored.filter(({ name }) => allowed.includes(name)) : stored]
    }),
  )
}
