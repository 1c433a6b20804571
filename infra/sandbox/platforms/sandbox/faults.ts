import { validateHeaderName, validateHeaderValue } from 'node:http'
import * as z from 'zod'
import type { FakeCall, Target } from './http.ts'
import { NOTIFIED_CONNECTIONS } from './notifications/sources.ts'
import type { Store } from './store.ts'
import { targets } from './targets.ts'

/** `faultSchema` describes each of them. */
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
  '410',
  'call-twice',
  'restart',
  'lost-notification',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Faults of the half of an engine that calls the webhooks. */
const callerKinds: readonly FaultKind[] = ['call-twice', 'restart']
/** Faults that do not apply to requests. */
const otherKinds: readonly FaultKind[] = [...callerKinds, 'lost-notification']

const faultSchema = z
  .strictObject({
    target: z.enum(targets),
    /**
     * `500` `503` `429` `401`: this status, with an error in the platform's format. `html`: 500 with a web page.
     * `secondary-limit`: 403 of GitHub with Retry-After. `hang`: no response. `slow`: a response after `delayMs`. `reset`:
     * resets the connection. `truncate`: half of a JSON text, then closes the connection. `wrong-json`: 200 with an
     * unrelated JSON object. `empty`: 200 without a body. `no-id`: carries the request out; a successful write returns an
     * empty JSON object. `redirect`: 302 to another host. `huge`: 200 with an endless body. `echo`: 500 that contains the
     * request with its credentials. `410`: the platform or engine no longer has what the request is about.
     * `call-twice`: an engine sends each call of a run twice. `restart`: it restarts after its first call of a run.
     * `lost-notification`: the runtime does not get a notification of the platform.
     */
    kind: z.enum(faultKinds),
    /** Number of requests. */
    count: z.int().positive().optional(),
    /** The share of the requests, chosen at random. Defaults to 1. */
    share: z.number().positive().max(1).optional(),
    /** Duration. Without `count` and `seconds`, the fault is active until it is deleted. */
    seconds: z.number().positive().optional(),
    /** Applies to requests with this method whose path with query, and body, contain these texts. Defaults to all. */
    match: z
      .strictObject({ method: z.string().optional(), path: z.string().optional(), body: z.string().optional() })
      .optional(),
    /** Carries the request out before the fault is injected. */
    after: z.boolean().optional(),
    /** Status, headers and body override those of the kind. */
    status: z.int().min(200).max(599).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.unknown().optional(),
    /** Retry-After of `429` and `secondary-limit` in seconds; null omits the header. */
    retryAfter: z.number().nonnegative().nullable().default(1),
    delayMs: z.int().nonnegative().max(600_000).default(1000),
  })
  .refine(({ kind, target }) => kind !== 'secondary-limit' || target === 'github', {
    path: ['kind'],
    message: 'is supported only for the target github.',
  })
  .refine(({ kind, target }) => !callerKinds.includes(kind) || target.startsWith('engines/'), {
    path: ['kind'],
    message: 'is supported only for engines.',
  })
  .refine(({ kind, target }) => kind !== 'lost-notification' || Object.hasOwn(NOTIFIED_CONNECTIONS, target), {
    path: ['kind'],
    message: `is supported only for ${Object.keys(NOTIFIED_CONNECTIONS).join(', ')}.`,
  })
  .refine(({ headers = {} }) => Object.entries(headers).every(isHeader), {
    path: ['headers'],
    message: 'must be valid HTTP headers.',
  })

export type FaultSpec = z.input<typeof faultSchema>

/** An active fault. */
export interface Fault extends z.output<typeof faultSchema> {
  id: number
  /** Remaining requests. */
  left?: number
  /** ISO 8601. */
  until?: string
}

/** How an engine misbehaves when it calls the webhooks. */
export interface RunFaults {
  /** It sends each call twice. */
  sendsTwice: boolean
  /** It restarts after its first call, and continues with what it has saved. */
  restarts: boolean
}

export interface Faults {
  /**
   * Adds a fault.
   *
   * @throws ZodError
   */
  add(spec: FaultSpec): Fault
  list(): Fault[]
  /** Removes a fault by id, the faults of a target, or all. Returns how many. */
  remove(which?: { id?: number; target?: string }): number
  /** Returns the oldest fault that applies to a request, and counts the request. */
  take(target: Target, call: FakeCall): Fault | undefined
  /** Returns whether a platform loses its next notification, and counts it. */
  loses(target: Target): boolean
  /** Returns the faults that apply to the next run of an engine, and counts the run. */
  takeForRun(target: Target): RunFaults
}

/** Stores the faults in the database, so that a platform that is down stays down when the sandbox restarts. */
export function createFaults(store: Store): Faults {
  const faults = store.collection<Fault>('faults', { isPermanent: true })

  /** Deletes the expired faults and returns the others, oldest first. */
  const active = () => {
    const now = new Date().toISOString()
    return faults.list().filter(({ id, until }) => {
      if (until === undefined || until > now) return true
      faults.delete(id)
      return false
    })
  }

  return {
    add(given) {
      const spec = faultSchema.parse(given)
      const until = spec.seconds && new Date(Date.now() + spec.seconds * 1000).toISOString()
      const id = faults.next()
      return faults.put(id, { ...spec, ...(spec.count && { left: spec.count }), ...(until && { until }), id })
    },

    list: active,

    remove({ id, target } = {}) {
      const removed = faults
        .list()
        .filter((fault) => (id === undefined || fault.id === id) && (target === undefined || fault.target === target))
      for (const fault of removed) faults.delete(fault.id)
      return removed.length
    },

    take(target, call) {
      return count((fault) => fault.target === target && !otherKinds.includes(fault.kind) && matches(fault, call))
    },

    loses: (target) => count((fault) => fault.target === target && fault.kind === 'lost-notification') !== undefined,

    takeForRun(target) {
      const take = (kind: FaultKind) => count((fault) => fault.target === target && fault.kind === kind) !== undefined
      return { sendsTwice: take('call-twice'), restarts: take('restart') }
    },
  }

  /** Returns the oldest fault that applies, and counts that it did. */
  function count(applies: (fault: Fault) => boolean): Fault | undefined {
    const hit = active().find((fault) => applies(fault) && Math.random() < (fault.share ?? 1))
    if (hit?.left === undefined) return hit
    if (hit.left === 1) faults.delete(hit.id)
    else faults.change(hit.id, { left: hit.left - 1 })
    return hit
  }
}

function matches({ match = {} }: Fault, call: FakeCall): boolean {
  // Keptn's own services record events here. A fault of the API applies to it only if its path says so.
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
