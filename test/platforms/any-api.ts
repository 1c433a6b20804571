import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

/** Something that an API keeps: a ticket, a run, a flag. */
type Thing = Record<string, unknown> & { id: number }

export interface AnyApi extends Served {
  token: string
  apiKey: string
  things: Thing[]
}

/** A custom API whose records can be created, read, searched, changed and closed. */
export async function startAnyApi(): Promise<AnyApi> {
  const token = 'a-token-of-any-api'
  const apiKey = 'a-key-of-any-api'
  const things: Thing[] = []
  const made = new Map<string, Thing>()
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}` || call.headers['x-api-key'] !== apiKey)
      return { status: 401, body: { error: { message: 'who are you?' } } }
    return answer(call, things, made)
  })
  return { ...served, token, apiKey, things }
}

function answer({ method, path, query, headers, body }: Call, things: Thing[], made: Map<string, Thing>): Reply {
  const [, kind, id, verb] = path.split('/')
  if (path === '/me') return ok({ name: 'robot' })
  if (kind === 'values') {
    const value = { p95: 480, text: '12.5', none: null }[id ?? '']
    return value === undefined ? { status: 400, body: { error: `no series ${id}` } } : ok({ value })
  }
  if (kind !== 'things') return { status: 404, body: { error: { message: `there is no ${path}` } } }
  if (id === undefined && method === 'GET') {
    const found = things.filter(({ ref }) => ref === query.get('ref'))
    return ok({ items: found.map(shown) })
  }
  if (id === undefined) {
    const given = body as Record<string, unknown>
    if (given['title'] === 'refuse me') return { status: 400, body: { error: { message: 'the title is taken' } } }
    const key = headers['idempotency-key']?.toString()
    const before = key === undefined ? undefined : made.get(key)
    const thing = before ?? { id: things.length + 1, state: 'new', ...given }
    if (!before) things.push(thing)
    if (key !== undefined) made.set(key, thing)
    return { status: 201, body: { result: shown(thing) } }
  }
  const thing = things.find((one) => String(one.id) === id || one['flag'] === id)
  if (!thing) return { status: 404, body: { error: { message: `there is no thing ${id}` } } }
  if (verb === 'end') thing['state'] = 'done'
  if (verb === 'comments' && method === 'POST') {
    thing['comments'] = [...((thing['comments'] as unknown[]) ?? []), body]
  }
  if (verb === 'comments') return ok(thing['comments'] ?? [])
  if (method === 'PATCH') Object.assign(thing, body)
  return ok({ result: shown(thing) })
}

function shown(thing: Thing): object {
  const { id, ...more } = thing
  return { id, key: `T-${id}`, links: { html: `https://tool.example.com/things/${id}` }, ...more }
}
