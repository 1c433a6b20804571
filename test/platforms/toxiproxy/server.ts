import { type Served, servePlatform } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { openStore } from '../../../infra/sandbox/platforms/sandbox/store.ts'
import { createToxiproxy } from '../../../infra/sandbox/platforms/toxiproxy/index.ts'
import type { Proxies, ProxySeed } from '../../../infra/sandbox/platforms/toxiproxy/proxies.ts'

const PROXIES: readonly ProxySeed[] = [
  { name: 'checkout-db', listen: '127.0.0.1:25432', upstream: 'checkout-db.internal:5432' },
  { name: 'cart-db', listen: '127.0.0.1:35432', upstream: 'cart-db.internal:5432' },
]

export interface ToxiproxyServer extends Served {
  proxies: Proxies & { remove(name: string): void }
}

/** Starts Toxiproxy with two proxies and without toxics. */
export async function toxiproxyServer(): Promise<ToxiproxyServer> {
  const seeds = [...PROXIES]
  const toxiproxy = createToxiproxy(openStore(), seeds)
  const remove = (removed: string) =>
    void seeds.splice(
      seeds.findIndex(({ name }) => name === removed),
      1,
    )
  return { ...(await servePlatform(toxiproxy)), proxies: Object.assign(toxiproxy.proxies, { remove }) }
}
