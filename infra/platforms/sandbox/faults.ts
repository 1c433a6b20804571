import { validateHeaderName, validateHeaderValue } from 'node:http'
import * as z from 'zod'
import { type Call, type Target, targets } from './http.ts'
import type { Store } from './store.ts'

/** What can go wrong with an answer; each is described in `faultSchema`. */
const faultKinds = [
  '500',
  'html',
  '503',
  '429',
  'secondary-limit',
  '401',
  'hang',
  'slow',
  'reset',
  'truncate',
  'wrong-json',
  'empty',
  'no-id',
  'redirect',
  'huge',
  'echo',
] as const
export type FaultKind = (typeof faultKinds)[number]

const faultSchema = z
  .strictObject({
    target: z.enum(targets),
    /**
     * `500` `503` `429` `401`: that status, in the platform's shape. `html`: a 500 with a web page. `secondary-limit`:
     * GitHub's 403 with retry-after. `hang`: taken and never answered. `slow`: answered after `delayMs`. `reset`: the
     * connection is reset. `truncate`: half a JSON text, then the connection ends. `wrong-json`: 200 with another JSON
     * object. `empty`: 200 with no body. `no-id`: the call is carried out, and a write that
     * succeeds is answered with an empty JSON object. `redirect`: 302 to another host. `huge`: 200 with a body that never ends. `echo`: a 500
     * that tells back what was sent, the credentials too.
     */
    kind: z.enum(faultKinds),
    /** For so many calls. */
    count: z.int().positive().optional(),
    /** For so long. With neither, until it is deleted. */
    seconds: z.number().positive().optional(),
    /** Only for calls whose method is this, and whose path with query, and body, hold this text. */
    match: z
      .strictObject({ method: z.string().optional(), path: z.string().optional(), body: z.string().optional() })
      .optional(),
    /** The call is carried out, and only its answer is spoiled. */
    after: z.boolean().optional(),
    /** These three replace or extend what the kind would answer. */
    status: z.int().min(200).max(599).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.unknown().optional(),
    /** Seconds in the retry-after header of `429` and `secondary-limit`; null leaves the header out. */
    retryAfter: z.number().nonnegative().nullable().default(1),
    delayMs: z.int().nonnegative().max(600_000).default(1000),
  })
  .refine(({ kind, target }) => kind !== 'secondary-limit' || target === 'github', {
    path: ['kind'],
    message: 'Only GitHub has a secondary limit.',
  })
  .refine(({ headers = {} }) => Object.entries(headers).every(isHeader), {
    path: ['headers'],
    message: 'Not valid as HTTP headers.',
  })

export type FaultSpec = z.input<typeof faultSchema>

/** A fault that is switched on. */
export interface Fault extends z.output<typeof faultSchema> {
  id: number
  /** The count that is left. */
  left?: number
  /** The end of its seconds, in ISO 8601. */
  until?: string
}

export interface Faults {
  /**
   * Switches a fault on.
   * @throws ZodError where the specification is not one
   */
  add(spec: FaultSpec): Fault
  list(): Fault[]
  /** Switches off one by its id, those of a target, or all; tells how many. */
  remove(which?: { id?: number; target?: string }): number
  /** The fault that hits a call, the oldest first, and counts it. */
  take(target: Target, call: Call): Fault | undefined
}

/**
 * The faults of a sandbox. They are kept in its database, so that a platform which is down stays down while the process
 * that plays it is killed and started again.
 */
export function createFaults(store: Store): Faults {
  const rows = store.all<{ id: number; fault: string }>('SELECT id, fault FROM faults ORDER BY id')
  let active: Fault[] = rows.map(({ id, fault }) => ({ ...JSON.parse(fault), id }))

  const drop = (gone: (fault: Fault) => boolean) => {
    const dropped = active.filter(gone)
    for (const { id } of dropped) store.run('DELETE FROM faults WHERE id = ?', id)
    active = active.filter((fault) => !dropped.includes(fault))
    return dropped.length
  }
  const dropExpired = () => {
    const now = new Date().toISOString()
    drop(({ until }) => until !== undefined && until <= now)
  }

  return {
    add(given) {
      const spec = faultSchema.parse(given)
      const until = spec.seconds && new Date(Date.now() + spec.seconds * 1000).toISOString()
      const fault = { ...spec, ...(spec.count && { left: spec.count }), ...(until && { until }) }
      const id = store.run('INSERT INTO faults (fault) VALUES (?)', JSON.stringify(fault))
      const added = { ...fault, id }
      active.push(added)
      return added
    },

    list() {
      dropExpired()
      return [...active]
    },

    remove: ({ id, target } = {}) =>
      drop((fault) => (id === undefined || fault.id === id) && (target === undefined || fault.target === target)),

    take(target, call) {
      if (active.length === 0) return undefined
      dropExpired()
      const hit = active.find((fault) => fault.target === target && matches(fault, call))
      if (hit?.left === undefined) return hit
      hit.left -= 1
      if (hit.left === 0) drop((fault) => fault === hit)
      else store.run('UPDATE faults SET fault = ? WHERE id = ?', JSON.stringify(hit), hit.id)
      return hit
    },
  }
}

function matches({ match = {} }: Fault, call: Call): boolean {
  // The bus of Keptn's own services does not fail with its API; who means it says so.
  if (call.path === '/record' && !match.path?.includes('/record')) return false
  if (match.method && match.method.toUpperCase() !== call.method) return false
  const query = call.query.toString()
  if (match.path && !(query ? `${call.path}?${query}` : call.path).includes(match.path)) return false
  return !match.body || call.body.includes(match.body)
}

function isHeader([name, value]: [string, string]): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
