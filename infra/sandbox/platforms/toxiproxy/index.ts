import { type Answer, type Call, json, type Platform, segments } from '../sandbox/http.ts'
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

/**
 * Fakes the part of the HTTP API of Toxiproxy 2.12 that shows proxies, and adds and removes toxics. It needs no token.
 *
 * @see https://github.com/Shopify/toxiproxy/blob/main/api.go
 * @see https://github.com/Shopify/toxiproxy/blob/main/toxic_collection.go
 */
export function createToxiproxy(store: Store, seeds = SHOP_PROXIES): Toxiproxy {
  const proxies = createProxies(store, seeds)

  function route(call: Call): Answer {
    const [root, name, kind, toxic, ...more] = segments(call.path)
    if (more.length > 0 || name === '' || toxic === '') return pageNotFound()
    if (root === 'version' && name === undefined) return onlyGet(call, { version: '2.12.0' })
    if (root !== 'proxies') return pageNotFound()
    if (name === undefined) {
      return onlyGet(call, Object.fromEntries(proxies.all().map((proxy) => [proxy.name, proxyResponse(proxy)])))
    }
    const proxy = found(name)
    if (kind === undefined) return onlyGet(call, proxyResponse(proxy))
    if (kind !== 'toxics') return pageNotFound()
    return toxic === undefined ? routeToxics(call, proxy) : routeToxic(call, proxy, toxic)
  }

  function found(name: string): ToxicProxy {
    const proxy = proxies.get(name)
    if (!proxy) throw new ToxiproxyError(404, 'proxy not found')
    return proxy
  }

  function routeToxics({ method, body }: Call, proxy: ToxicProxy): Answer {
    if (method === 'GET') return json(200, proxy.toxics)
    if (method !== 'POST') return notAllowed()
    const toxic = readToxic(body)
    if (proxy.toxics.some(({ name }) => name === toxic.name)) throw new ToxiproxyError(409, 'toxic already exists')
    const isUpstream = ({ stream }: Toxic) => stream === 'upstream'
    const toxics = [...proxy.toxics, toxic]
    const ordered = [...toxics.filter(isUpstream), ...toxics.filter((one) => !isUpstream(one))]
    proxies.save({ ...proxy, toxics: ordered })
    return json(200, toxic, {}, `${describeToxic(toxic)} on ${proxy.name}`)
  }

  function routeToxic({ method }: Call, proxy: ToxicProxy, name: string): Answer {
    const toxic = proxy.toxics.find((one) => one.name === name)
    if (!toxic) throw new ToxiproxyError(404, 'toxic not found')
    if (method === 'GET') return json(200, toxic)
    if (method !== 'DELETE') return notAllowed()
    proxies.save({ ...proxy, toxics: proxy.toxics.filter((one) => one !== toxic) })
    return { status: 204, note: `removed ${name} from ${proxy.name}` }
  }

  return {
    proxies,
    error: toxiproxyError,

    answer(call) {
      // Toxiproxy rejects browsers.
      if (call.headers['user-agent']?.startsWith('Mozilla/')) return text(403, 'User agent not allowed\n')
      try {
        return route(call)
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

function proxyResponse(proxy: ToxicProxy) {
  return { ...proxy, enabled: true, Logger: {} }
}

function onlyGet({ method }: Call, value: unknown): Answer {
  return method === 'GET' ? json(200, value) : notAllowed()
}

/** Returns JSON with the content type of Go's http.Error. */
function toxiproxyError(status: number, error: string): Answer {
  return { ...text(status, `${JSON.stringify({ error, status })}\n`), note: error }
}

function pageNotFound(): Answer {
  return text(404, '404 page not found\n')
}

function notAllowed(): Answer {
  return { status: 405 }
}

function text(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}
