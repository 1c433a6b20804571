import type { Store } from '../sandbox/store.ts'
import type { Toxic, ToxicProxy } from './input.ts'

/** The effect of the toxics on a request through a proxy. */
export interface Passage {
  /** Added latency in milliseconds; infinite if no response arrives. */
  takesMs: number
  /** Why the request fails after this time. */
  lost?: string
}

/** Stores the proxies. Unlike Toxiproxy itself, a restart keeps them. */
export interface Proxies {
  /** Sorted by name. */
  all(): ToxicProxy[]
  get(name: string): ToxicProxy | undefined
  save(proxy: ToxicProxy): void
  remove(name: string): void
  passage(name: string): Passage
}

export type ProxySeed = Pick<ToxicProxy, 'name' | 'listen' | 'upstream'>

/** @param seeds the proxies of an empty store */
export function createProxies(store: Store, seeds: readonly ProxySeed[]): Proxies {
  const all = () => {
    const known = new Map<string, ToxicProxy | null>(
      seeds.map((seed) => [seed.name, { ...seed, enabled: true, toxics: [] }]),
    )
    for (const { name, proxy } of store.all<{ name: string; proxy: string }>('SELECT name, proxy FROM proxies')) {
      known.set(name, JSON.parse(proxy))
    }
    return [...known.values()].filter((proxy) => proxy !== null).sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  const get = (name: string) => all().find((proxy) => proxy.name === name)
  const save = (name: string, proxy: ToxicProxy | null) => {
    const put =
      'INSERT INTO proxies (name, proxy) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET proxy = excluded.proxy'
    store.run(put, name, JSON.stringify(proxy))
  }
  return {
    all,
    get,
    save: (proxy) => save(proxy.name, proxy),
    // Records the deletion, because a seed would come back otherwise.
    remove: (name) => save(name, null),

    passage(name) {
      const proxy = get(name)
      if (!proxy?.enabled) return { takesMs: 0, lost: 'refuses connections' }
      return proxy.toxics.reduce(through, { takesMs: 0 })
    },
  }
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
