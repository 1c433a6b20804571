import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import { createToxiproxy } from '../../../../infra/sandbox/platforms/toxiproxy/index.ts'
import type { Proxies, ProxySeed } from '../../../../infra/sandbox/platforms/toxiproxy/proxies.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, startWith } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

const PROXIES: readonly ProxySeed[] = [
  { name: 'checkout-db', listen: '127.0.0.1:25432', upstream: 'checkout-db.internal:5432' },
  { name: 'cart-db', listen: '127.0.0.1:35432', upstream: 'cart-db.internal:5432' },
]

export interface ToxiproxyServer extends Served {
  proxies: Proxies
}

/** Starts Toxiproxy with two proxies and without toxics. */
export async function toxiproxyServer(): Promise<ToxiproxyServer> {
  const toxiproxy = createToxiproxy(openStore(), PROXIES)
  return { ...(await servePlatform(toxiproxy)), proxies: toxiproxy.proxies }
}

export const jobRow = {
  ownTimes: 'a fault has no times',
  starts: /^POST /,
  needsTask: true,
  // It lasts for hours, so the test removes it.
  ends: 'aborted',
  // Nothing is left of a toxic that was removed.
  stoppedAtStart: 'unknown',
  start: startWith(toxiproxyServer, ({ url: baseUrl, proxies }) => {
    const target = 'checkout-db'
    const toxics = () => proxies.get(target)?.toxics ?? []
    const added = new Set<string>()
    const { save } = proxies
    proxies.save = (proxy) => {
      for (const { name } of proxy.toxics) added.add(name)
      save(proxy)
    }
    const removeToxics = () => {
      for (const proxy of proxies.all()) save({ ...proxy, toxics: [] })
    }
    return {
      connection: { baseUrl, allow: [target], maxDuration: 'PT12H' },
      input: { target, parameters: { type: 'latency', attributes: { latency: 300 }, duration: 'PT8H' } },
      runs: () => added.size,
      id: () => `${target}/${[...added].at(-1)}`,
      letStart: () => undefined,
      enter(state) {
        if (state === 'gone') removeToxics()
        if (state === 'lost') proxies.remove(target)
      },
      end: removeToxics,
      finishStop: () => toxics().length === 0,
    }
  }),
} satisfies JobRow
