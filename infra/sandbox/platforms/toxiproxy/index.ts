import { routeTable } from '../../../testing/route-table.ts'
import { type FakeCall, type FakeReply, json, type Platform } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { readToxic, type Toxic, type ToxicProxy, ToxiproxyError } from './input.ts'
import { describeToxic, proxiesPage } from './page.ts'
import { createProxies, type Passage, type Proxies, type ProxySeed } from './proxies.ts'

export interface Toxiproxy extends Platform {
  proxies: Proxies
  /** All active toxics. */
  toxics(): (Toxic & { proxy: string })[]
  /** Returns the effect of the active toxics on a request through a proxy. */
  passage(proxy: string): Passage
}

/** The proxies between the shop and its database and cache. The shop works without its cache. */
const SHOP_PROXIES: readonly ProxySeed[] = [
  { name: 'shop-db', listen: '127.0.0.1:15432', upstream: 'shop-db.internal:5432' },
  { name: 'shop-cache', listen: '127.0.0.1:16379', upstream: 'shop-cache.internal:6379' },
]

interface ToxiproxyCall extends FakeCall {
  proxies: Proxies
}
type ProxyCall = ToxiproxyCall & { params: { proxy: string } }
type ToxicCall = ToxiproxyCall & { params: { proxy: string; toxic: string } }

const route = routeTable<ToxiproxyCall, FakeReply>()({
  'GET /version': () => json(200, { version: '2.12.0' }),
  'GET /proxies': ({ proxies }) =>
    json(200, Object.fromEntries(proxies.all().map((proxy) => [proxy.name, proxyResponse(proxy)]))),
  'GET /proxies/{proxy}': (call) => json(200, proxyResponse(proxyOf(call))),
  'GET /proxies/{proxy}/toxics': (call) => json(200, proxyOf(call).toxics),
  'POST /proxies/{proxy}/toxics': addToxic,
  'GET /proxies/{proxy}/toxics/{toxic}': (call) => json(200, toxicOf(call)),
  'DELETE /proxies/{proxy}/toxics/{toxic}': removeToxic,
  '{method} /version': () => notAllowed(),
  '{method} /proxies': () => notAllowed(),
  '{method} /proxies/{proxy}': (call) => proxyOf(call) && notAllowed(),
  '{method} /proxies/{proxy}/toxics': (call) => proxyOf(call) && notAllowed(),
  '{method} /proxies/{proxy}/toxics/{toxic}': (call) => toxicOf(call) && notAllowed(),
})

/**
 * Fakes the part of the HTTP API of Toxiproxy 2.12 that shows proxies, and adds and removes toxics. It needs no token.
 *
 * @see https://github.com/Shopify/toxiproxy/blob/main/api.go
 * @see https://github.com/Shopify/toxiproxy/blob/main/toxic_collection.go
 */
export function createToxiproxy(store: Store, seeds = SHOP_PROXIES): Toxiproxy {
  const proxies = createProxies(store, seeds)

  return {
    proxies,
    error: toxiproxyError,

    answer(call) {
      // Toxiproxy rejects browsers.
      if (call.headers['user-agent']?.startsWith('Mozilla/')) return text(403, 'User agent not allowed\n')
      try {
        return route(`${call.method} ${call.path}`, { ...call, proxies }) ?? pageNotFound()
      } catch (error) {
        if (error instanceof ToxiproxyError) return toxiproxyError(error.status, error.message)
        throw error
      }
    },

    page: ({ path }) => (path === '/' ? proxiesPage(proxies.all()) : undefined),
    toxics: () => proxies.all().flatMap(({ name, toxics }) => toxics.map((toxic) => ({ proxy: name, ...toxic }))),
    passage: proxies.passage,
  }
}

function proxyOf({ proxies, params }: ProxyCall): ToxicProxy {
  const proxy = proxies.get(params.proxy)
  if (!proxy) throw new ToxiproxyError(404, 'proxy not found')
  return proxy
}

function toxicOf(call: ToxicCall): Toxic {
  const toxic = proxyOf(call).toxics.find(({ name }) => name === call.params.toxic)
  if (!toxic) throw new ToxiproxyError(404, 'toxic not found')
  return toxic
}

function addToxic(call: ProxyCall): FakeReply {
  const proxy = proxyOf(call)
  const toxic = readToxic(call.body)
  if (proxy.toxics.some(({ name }) => name === toxic.name)) throw new ToxiproxyError(409, 'toxic already exists')
  const isUpstream = ({ stream }: Toxic) => stream === 'upstream'
  const toxics = [...proxy.toxics, toxic]
  const ordered = [...toxics.filter(isUpstream), ...toxics.filter((one) => !isUpstream(one))]
  call.proxies.save({ ...proxy, toxics: ordered })
  return json(200, toxic, {}, `${describeToxic(toxic)} on ${proxy.name}`)
}

function removeToxic(call: ToxicCall): FakeReply {
  const [proxy, toxic] = [proxyOf(call), toxicOf(call)]
  call.proxies.save({ ...proxy, toxics: proxy.toxics.filter(({ name }) => name !== toxic.name) })
  return { status: 204, note: `removed ${toxic.name} from ${proxy.name}` }
}

function proxyResponse(proxy: ToxicProxy) {
  return { ...proxy, enabled: true, Logger: {} }
}

/** Returns JSON with the content type of Go's http.Error. */
function toxiproxyError(status: number, error: string): FakeReply {
  return { ...text(status, `${JSON.stringify({ error, status })}\n`), note: error }
}

function pageNotFound(): FakeReply {
  return text(404, '404 page not found\n')
}

function notAllowed(): FakeReply {
  return { status: 405 }
}

function text(status: number, body: string): FakeReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}
