import { hmacHex } from '../auth/hmac.ts'

/** The parts of a request that make it the same call. Times, request ids and headers differ between deliveries, so they are not part. */
export interface Identity {
  /** The name of the state table: two deployments in one account never share an id. */
  deployment: string
  caller: string
  eventId: string
  category: string
  action: string
  connection: string
  mode: 'silent' | 'interactive' | 'gate'
  /** A dry run is not the same call as the real one. */
  dryRun: boolean
  input: unknown
}

/**
 * Returns the id of a call. It is equal for a second delivery of the same subscription, and differs for another subscription
 * of the same event, such as one with another connection. It is an HMAC, so it takes the key to compute the id of
 * another caller's call. 40 hex digits fit into every platform's fields and into the name of an execution.
 *
 * @param key of the secret `identity`
 */
export function identify(identity: Identity, key: string): string {
  return hmacHex(key, canonical(identity)).slice(0, 40)
}

/**
 * Returns the id of a task that follows another one. Like every id, it takes the key to compute it: a platform shows ids, and an
 * object that someone else has marked with a later id would be taken for the one that the task has created.
 *
 * @param purpose distinguishes the tasks that follow
 * @param key of the secret `identity`
 */
export function identifyFollowing(id: string, purpose: string, key: string): string {
  return hmacHex(key, `${purpose} ${id}`).slice(0, 40)
}

/** Returns JSON whose bytes depend on the value only: names are sorted, undefined values are omitted. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
  }
  return JSON.stringify(value)
}
