import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Reply } from '../../infra/testing/loopback-server.ts'

/** A record of an API: a ticket, a run, a flag. */
type Thing = Record<string, unknown> & { id: number; comments?: object[] }

export type AnyApi = Awaited<ReturnType<typeof startAnyApi>>

const TOKEN = 'a-token-of-any-api'
const API_KEY = 'a-key-of-any-api'
const VALUES: Record<string, unknown> = { p95: 480, text: '12.5', none: null }

/** A custom API whose records can be created, read, searched, changed and closed. */
export const startAnyApi = definePlatform({
  state: () => ({ things: [] as Thing[], byKey: new Map<string, Thing>() }),
  refuses: ({ headers }) =>
    headers['authorization'] === `Bearer ${TOKEN}` && headers['x-api-key'] === API_KEY
      ? undefined
      : refusal(401, 'who are you?'),
  routes: {
    'GET /me': () => ({ name: 'robot' }),
    'GET /values/{name}': ({ params: { name } }) =>
      name in VALUES ? { value: VALUES[name] } : { status: 400, body: { error: `no series ${name}` } },
    'GET /things': ({ state, query }) => ({
      items: state.things.filter(({ ref }) => ref === query.get('ref')).map(toResponse),
    }),
    'POST /things': ({ state: { things, byKey }, headers, body }) => {
      if (body.title === 'refuse me') return refusal(400, 'the title is taken')
      const key = headers['idempotency-key']?.toString()
      const earlier = key === undefined ? undefined : byKey.get(key)
      const thing = earlier ?? { id: things.length + 1, state: 'new', ...body }
      if (!earlier) things.push(thing)
      if (key !== undefined) byKey.set(key, thing)
      return { status: 201, body: { result: toResponse(thing) } }
    },
    'GET /things/{id}': ({ state, params }) => change(state.things, params.id, {}),
    'PATCH /things/{id}': ({ state, params, body }) => change(state.things, params.id, body),
    'POST /things/{id}/end': ({ state, params }) => change(state.things, params.id, { state: 'done' }),
    'GET /things/{id}/comments': ({ state, params }) => {
      const thing = find(state.things, params.id)
      return thing && (thing.comments ?? [])
    },
    'POST /things/{id}/comments': ({ state, params, body }) => {
      const thing = find(state.things, params.id)
      return thing && Object.assign(thing, { comments: [...(thing.comments ?? []), body] }).comments
    },
  },
  notFound: ({ path }) => refusal(404, `there is no ${path}`),
  members: ({ things }) => ({ token: TOKEN, apiKey: API_KEY, things }),
})

function find(things: Thing[], id: string): Thing | undefined {
  return things.find((thing) => String(thing.id) === id || thing['flag'] === id)
}

function change(things: Thing[], id: string, fields: object): object | undefined {
  const thing = find(things, id)
  return thing && { result: toResponse(Object.assign(thing, fields)) }
}

function toResponse({ id, ...fields }: Thing): object {
  return { id, key: `T-${id}`, links: { html: `https://tool.example.com/things/${id}` }, ...fields }
}

function refusal(status: number, message: string): Reply {
  return { status, body: { error: { message } } }
}
