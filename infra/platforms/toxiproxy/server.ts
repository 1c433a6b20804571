import { type Served, servePlatform } from '../loopback-server.ts'
import { openStore } from '../sandbox/store.ts'
import { createToxiproxy, type Toxiproxy } from './index.ts'
import type { ProxySeed } from './proxies.ts'

const PROXIES: readonly ProxySeed[] = [
  { name: 'checkout-db', listen: '127.0.0.1:25432', upstream: 'checkout-db.internal:5432' },
  { name: 'cart-db', listen: '127.0.0.1:35432', upstream: 'cart-db.internal:5432' },
]

export interface ToxiproxyServer extends Served, Pick<Toxiproxy, 'proxies'> {}

/** Starts Toxiproxy with two proxies and without toxics. */
export async function toxiproxyServer(): Promise<ToxiproxyServer> {
  const toxiproxy = createToxiproxy(openStore(), PROXIES)
  return { ...(await servePlatform(toxiproxy)), proxies: toxiproxy.proxies }
}
