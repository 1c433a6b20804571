import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

export interface Toxic {
  name: string
  type: string
  stream: string
  toxicity: number
  attributes: Record<string, number>
}

export interface PlayedToxiproxy extends Served {
  /** The toxics of each proxy. */
  proxies: Map<string, Toxic[]>
}

/** What each toxic takes, and what it has where that is left out: 0, as Go does. */
const attributes: Record<string, readonly string[]> = {
  latency: ['latency', 'jitter'],
  bandwidth: ['rate'],
  slow_close: ['delay'],
  timeout: ['timeout'],
  reset_peer: ['timeout'],
  slicer: ['average_size', 'size_variation', 'delay'],
  limit_data: ['bytes'],
}

/**
 * Toxiproxy 2.12's HTTP API, as far as toxics go.
 *
 * @see https://github.com/Shopify/toxiproxy/blob/main/api.go
 * @see https://github.com/Shopify/toxiproxy/blob/main/toxic_collection.go
 */
export async function toxiproxyServer(): Promise<PlayedToxiproxy> {
  const proxies = new Map<string, Toxic[]>([
    ['checkout-db', []],
    ['cart-db', []],
  ])
  return Object.assign(await serve((call) => answer(proxies, call)), { proxies })
}

/** Go's http.Error sets this type, whatever was set before. */
function fail(status: number, error: string): Reply {
  return { status, body: { error, status }, headers: { 'content-type': 'text/plain; charset=utf-8' } }
}

function answer(proxies: Map<string, Toxic[]>, { method, path, headers, body }: Call): Reply {
  if (String(headers['user-agent']).startsWith('Mozilla/')) return { status: 403, body: 'User agent not allowed\n' }
  if (path === '/version') return { status: 200, body: { version: '2.12.0' } }
  const [root, proxy = '', kind, name] = path.split('/').slice(1).map(decodeURIComponent)
  if (root !== 'proxies' || kind !== 'toxics') return { status: 404, body: '404 page not found\n' }
  const toxics = proxies.get(proxy)
  if (!toxics) return fail(404, 'proxy not found')
  if (name === undefined) return method === 'POST' ? add(toxics, body) : { status: 200, body: toxics }
  const at = toxics.findIndex((toxic) => toxic.name === name)
  if (at < 0) return fail(404, 'toxic not found')
  if (method === 'GET') return { status: 200, body: toxics[at] }
  toxics.splice(at, 1)
  return { status: 204 }
}

function add(toxics: Toxic[], body: unknown): Reply {
  const given = body as Partial<Toxic>
  const { type = '', stream = 'downstream', toxicity = 1 } = given
  if (stream !== 'upstream' && stream !== 'downstream')
    return fail(400, 'stream was invalid, can be either upstream or downstream')
  const known = attributes[type]
  if (!known) return fail(400, 'invalid toxic type')
  const name = given.name || `${type}_${stream}`
  if (toxics.some((toxic) => toxic.name === name)) return fail(409, 'toxic already exists')
  const values = given.attributes ?? {}
  const wrong = Object.values(values).find((value) => !Number.isSafeInteger(value))
  if (wrong !== undefined) return fail(400, 'bad request body: json: cannot unmarshal into Go value of type int64')
  const toxic = {
    name,
    type,
    stream,
    toxicity,
    attributes: Object.fromEntries(known.map((one) => [one, values[one] ?? 0])),
  }
  toxics.push(toxic)
  return { status: 200, body: toxic }
}
