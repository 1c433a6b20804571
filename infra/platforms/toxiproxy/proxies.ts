import type { Store } from '../sandbox/store.ts'
import type { Toxic, ToxicProxy } from './input.ts'

/** How a call through a proxy fares. */
export interface Passage {
  /** By how much it is slower, in milliseconds; infinite where nothing ever comes back. */
  takesMs: number
  /** Why it fails after that. */
  lost?: string
}

/** Proxies in the sandbox's database. Toxiproxy itself forgets them when it is restarted; here they stay, as all else. */
export interface Proxies {
  /** In the order of their names. */
  all(): ToxicProxy[]
  get(name: string): ToxicProxy | undefined
  save(proxy: ToxicProxy): void
  remove(name: string): void
  passage(name: string): Passage
}

/** What the sandbox begins with, and begins again with when it is emptied. */
const firstProxies: readonly ToxicProxy[] = [
  proxyTo('shop-db', 15432, 'shop-db.internal:5432'),
  proxyTo('shop-cache', 16379, 'shop-cache.internal:6379'),
]

function proxyTo(name: string, port: number, upstream: string): ToxicProxy {
  return { name, listen: `127.0.0.1:${port}`, upstream, enabled: true, toxics: [] }
}

export function createProxies(store: Store): Proxies {
  const all = () => {
    const known = new Map<string, ToxicProxy | null>(firstProxies.map((proxy) => [proxy.name, proxy]))
    for (const { name, proxy } of store.all<{ name: string; proxy: string }>('SELECT name, proxy FROM proxies')) {
      known.set(name, JSON.parse(proxy))
    }
    return [...known.values()].filter((proxy) => proxy !== null).sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  const get = (name: string) => all().find((proxy) => proxy.name === name)
  const keep = (name: string, proxy: ToxicProxy | null) => {
    const put =
      'INSERT INTO proxies (name, proxy) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET proxy = excluded.proxy'
    store.run(put, name, JSON.stringify(proxy))
  }
  return {
    all,
    get,
    save: (proxy) => keep(proxy.name, proxy),
    // What the sandbox begins with must not come back.
    remove: (name) => keep(name, null),

    passage(name) {
      const proxy = get(name)
      if (!proxy?.enabled) return { takesMs: 0, lost: 'refuses connections' }
      return proxy.toxics.reduce(through, { takesMs: 0 })
    },
  }
}

/** What bandwidth, slicer, limit_data and slow_close do is not felt by calls as small as those of the shop. */
function through(before: Passage, { type, toxicity, attributes }: Toxic): Passage {
  if (before.lost !== undefined || Math.random() >= toxicity) return before
  const { latency = 0, jitter = 0, timeout = 0 } = attributes
  const after = (ms: number) => before.takesMs + Math.max(0, ms)
  if (type === 'latency') return { takesMs: after(latency + jitter * (2 * Math.random() - 1)) }
  if (type === 'timeout') return { takesMs: after(timeout || Number.POSITIVE_INFINITY), lost: 'does not answer' }
  if (type === 'reset_peer') return { takesMs: after(timeout), lost: 'resets connections' }
  return before
}
