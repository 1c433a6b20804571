import { type Answer, type Call, json, type Platform, segments } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import {
  changedProxy,
  changedToxic,
  parse,
  readProxy,
  readToxic,
  type Toxic,
  type ToxicProxy,
  ToxiproxyError,
} from './input.ts'
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
 * Fakes the HTTP API of Toxiproxy 2.12, which needs no token.
 *
 * @see https://github.com/Shopify/toxiproxy/blob/main/api.go
 * @see https://github.com/Shopify/toxiproxy/blob/main/toxic_collection.go
 */
export function createToxiproxy(store: Store, seeds = SHOP_PROXIES): Toxiproxy {
  const proxies = createProxies(store, seeds)

  function route(call: Call): Answer {
    const [root, name, kind, toxic, ...more] = segments(call.path)
    if (more.length > 0 || name === '' || toxic === '') return pageNotFound()
    if (root === 'proxies') {
      if (name === undefined) return routeProxies(call)
      if (kind === undefined) return routeProxy(call, found(name))
      if (kind !== 'toxics') return pageNotFound()
      return toxic === undefined ? routeToxics(call, found(name)) : routeToxic(call, found(name), toxic)
    }
    if (name !== undefined) return pageNotFound()
    switch (`${call.method} ${root}`) {
      case 'GET version':
        return json(200, { version: '2.12.0' })
      case 'POST populate':
        return populate(call)
      case 'POST reset':
        for (const proxy of proxies.all()) proxies.save({ ...proxy, enabled: true, toxics: [] })
        return { status: 204, note: 'removed every toxic' }
      default:
        return ['version', 'populate', 'reset'].includes(root ?? '') ? notAllowed() : pageNotFound()
    }
  }

  function found(name: string): ToxicProxy {
    const proxy = proxies.get(name)
    if (!proxy) throw new ToxiproxyError(404, 'proxy not found')
    return proxy
  }

  function routeProxies({ method, body }: Call): Answer {
    if (method === 'GET') {
      return json(200, Object.fromEntries(proxies.all().map((proxy) => [proxy.name, proxyResponse(proxy)])))
    }
    if (method !== 'POST') return notAllowed()
    const proxy = readProxy(parse(body))
    if (proxies.get(proxy.name)) throw new ToxiproxyError(409, 'proxy already exists')
    proxies.save(proxy)
    return json(201, proxyResponse(proxy), {}, `created the proxy ${proxy.name}`)
  }

  /** Creates the proxies that do not exist yet. */
  function populate({ body }: Call): Answer {
    const given = parse(body)
    if (!Array.isArray(given)) {
      throw new ToxiproxyError(400, 'bad request body: json: cannot unmarshal object into Go value of type []struct')
    }
    const proxiesIn = given.map((item, index) => readProxy(item, ` at proxy ${index + 1}`))
    for (const proxy of proxiesIn) if (!proxies.get(proxy.name)) proxies.save(proxy)
    return json(201, { proxies: proxiesIn.map(({ name }) => proxyResponse(found(name))) })
  }

  function routeProxy({ method, body }: Call, proxy: ToxicProxy): Answer {
    if (method === 'GET') return json(200, proxyResponse(proxy))
    if (method === 'DELETE') {
      proxies.remove(proxy.name)
      return { status: 204, note: `removed the proxy ${proxy.name}` }
    }
    if (!isUpdate(method)) return notAllowed()
    const changed = changedProxy(proxy, parse(body))
    proxies.save(changed)
    return json(200, proxyResponse(changed), {}, `${proxy.name} is ${changed.enabled ? 'enabled' : 'disabled'}`)
  }

  function routeToxics({ method, body }: Call, proxy: ToxicProxy): Answer {
    if (method === 'GET') return json(200, proxy.toxics)
    if (method !== 'POST') return notAllowed()
    const toxic = readToxic(parse(body))
    if (proxy.toxics.some(({ name }) => name === toxic.name)) throw new ToxiproxyError(409, 'toxic already exists')
    const isUpstream = ({ stream }: Toxic) => stream === 'upstream'
    const toxics = [...proxy.toxics, toxic]
    const ordered = [...toxics.filter(isUpstream), ...toxics.filter((one) => !isUpstream(one))]
    proxies.save({ ...proxy, toxics: ordered })
    return json(200, toxic, {}, `${describeToxic(toxic)} on ${proxy.name}`)
  }

  function routeToxic({ method, body }: Call, proxy: ToxicProxy, name: string): Answer {
    const toxic = proxy.toxics.find((one) => one.name === name)
    if (!toxic) throw new ToxiproxyError(404, 'toxic not found')
    const replacedBy = (by: Toxic[]) =>
      proxies.save({ ...proxy, toxics: proxy.toxics.flatMap((one) => (one === toxic ? by : [one])) })
    if (method === 'GET') return json(200, toxic)
    if (method === 'DELETE') {
      replacedBy([])
      return { status: 204, note: `removed ${name} from ${proxy.name}` }
    }
    if (!isUpdate(method)) return notAllowed()
    const changed = changedToxic(toxic, parse(body))
    replacedBy([changed])
    return json(200, changed, {}, `${describeToxic(changed)} on ${proxy.name}`)
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

/** Toxiproxy still supports POST, the deprecated method. */
function isUpdate(method: string): boolean {
  return method === 'POST' || method === 'PATCH'
}

function proxyResponse({ name, listen, upstream, enabled, toxics }: ToxicProxy) {
  return { name, listen, upstream, enabled, Logger: {}, toxics }
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
