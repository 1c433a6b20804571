import type { Store } from '../sandbox/store.ts'
import type { Toxic, ToxicProxy } from './input.ts'

/** The effect of the toxics on a request through a proxy. */
export interface Passage {
  /** Added latency in milliseconds; infinite if no response arrives. */
  takesMs: number
  /** Why the request fails after this time. */
  lost?: string
}

/** Stores the toxics of the proxies. Unlike in Toxiproxy itself, a restart keeps them. */
export interface Proxies {
  /** Sorted by name. */
  all(): ToxicProxy[]
  get(name: string): ToxicProxy | undefined
  save(proxy: ToxicProxy): void
  remove(name: string): void
  passage(name: string): Passage
}

export type ProxySeed = Omit<ToxicProxy, 'toxics'>

/** @param seeds the proxies */
export function createProxies(store: Store, seeds: readonly ProxySeed[]): Proxies {
  const initial = Object.fromEntries(seeds.map((seed) => [seed.name, { ...seed, toxics: [] }]))
  const stored = store.collection<ToxicProxy>('toxiproxy.proxies', { initial })
  const proxies: Proxies = {
    all: () => stored.list().sort((a, b) => (a.name < b.name ? -1 : 1)),
    get: stored.get,
    save: (proxy) => void stored.put(proxy.name, proxy),
    remove: stored.delete,
    passage: (name) => proxies.get(name)?.toxics.reduce(through, { takesMs: 0 }) ?? { takesMs: 0 },
  }
  return proxies
}

/** Adds the effect of a toxic. Bandwidth, slicer, limit_data and slow_close do not affect small requests. */
function through(before: Passage, { type, toxicity, attributes }: Toxic): Passage {
  if (before.lost !== undefined || Math.random() >= toxicity) return before
  const { latency = 0, jitter = 0, timeout = 0 } = attributes
  const after = (ms: number) => before.takesMs + Math.max(0, ms)
  if (type === 'latency') return { takesMs: after(latency + jitter * (2 * Math.random() - 1)) }
  if (type === 'timeout') return { takesMs: after(timeout || Number.POSITIVE_INFINITY), lost: 'does not answer' }
  if (type === 'reset_peer') return { takesMs: after(timeout), lost: 'resets connections' }
  return before
}
