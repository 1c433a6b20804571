import { type Call, type Reply, type Served, serve } from './loopback-server.ts'
import { callRoute, type Routes } from './route-table.ts'

/** Parsed JSON, not checked: a fake trusts the provider that it tests. */
type Json = ReturnType<typeof JSON.parse>

/** A request to a route. Its `params` are the variable parts of the path, decoded. */
interface RouteRequest<State> extends Omit<Call, 'body'> {
  /** Parsed JSON, the text if it is not JSON, or an empty object if the request has no body. */
  body: Json
  state: State
}

/** Declares a fake platform. */
export interface PlatformDefinition<Args extends unknown[], State, Pattern extends string, Members> {
  /** Precedes the path of each route. */
  base?: string
  /** Returns the initial state. Tests read and change it. */
  state: (...args: Args) => State
  /** Responds to requests that the platform refuses before their path matters, such as those without credentials. */
  refuses?: (call: Call, state: State) => Reply | undefined
  /**
   * The responses by operation: `GET /builds/{id}`. The first match responds. A parameter is a segment of the path or a
   * part of it, as in `POST /builds/{id}:cancel`. An object is sent as JSON with the status 200, unless it is a reply.
   * Undefined means that the platform has no such thing.
   */
  routes: Routes<Pattern, RouteRequest<State>, Reply | object | undefined>
  /** Names the operation of a request to a platform with one path for all of them. Defaults to its method and path. */
  operation?: (call: Call) => string | undefined
  /** Wraps what a route returns, unless that is a reply: `(data) => ({ data })`. */
  envelope?: (result: object, operation: string) => object
  /** Headers of every response. */
  headers?: Record<string, string>
  /** Responds to all other requests. */
  notFound?: Reply | ((call: Call, state: State) => Reply)
  /** Returns further members of the server: credentials, and functions with which a test changes the state. */
  members?: (state: State, server: Served) => Members
}

/**
 * Defines a fake platform: a server on a free loopback port, with a state of its own.
 *
 * @returns a function that starts the fake
 * @example
 * import { definePlatform, newestOf, requireHeader } from 'cloud-automation-webhooks/testing'
 *
 * interface Build {
 *   id: string
 *   status: string
 * }
 *
 * const startAcme = definePlatform({
 *   base: '/v1',
 *   state: () => ({ builds: [] as Build[] }),
 *   refuses: requireHeader('authorization', 'Bearer acme-token', { status: 401 }),
 *   routes: {
 *     'GET /builds/{id}': ({ state, params }) => state.builds.find(({ id }) => id === params.id),
 *     'POST /builds': ({ state }) => {
 *       state.builds.push({ id: String(state.builds.length + 1), status: 'running' })
 *       return { status: 201, body: newestOf(state.builds) }
 *     },
 *   },
 *   notFound: { status: 404, body: { message: 'Not found' } },
 *   members: ({ builds }) => ({ end: (status: string) => Object.assign(newestOf(builds), { status }) }),
 * })
 *
 * const acme = await startAcme()
 * const headers = { authorization: 'Bearer acme-token' }
 * await fetch(`${acme.url}/v1/builds`, { method: 'POST', headers })
 * acme.end('succeeded')
 * const response = await fetch(`${acme.url}/v1/builds/1`, { headers })
 * console.log(await response.json()) // { id: '1', status: 'succeeded' }
 * await acme.close()
 */
export function definePlatform<Args extends unknown[], State, Pattern extends string, Members = unknown>(
  definition: PlatformDefinition<Args, State, Pattern, Members>,
): (...args: Args) => Promise<Served & { state: State } & Members> {
  return async (...args) => {
    const state = definition.state(...args)
    const server = await serve((call) => {
      const reply = definition.refuses?.(call, state) ?? respond(definition, state, call)
      return { ...reply, headers: { ...definition.headers, ...reply.headers } }
    })
    return Object.assign(server, { state }, definition.members?.(state, server)) as Served & { state: State } & Members
  }
}

function respond<State, Pattern extends string>(
  { base = '', routes, operation, envelope, notFound }: PlatformDefinition<never, State, Pattern, unknown>,
  state: State,
  call: Call,
): Reply {
  const requested = operation ? operation(call) : `${call.method} ${call.encodedPath}`
  const request = { ...call, body: call.body ?? {}, state }
  const result = callRoute(routes, requested, request, operation ? '' : base)
  if (result !== undefined && isReply(result)) return result
  if (result !== undefined) return { status: 200, body: envelope ? envelope(result, requested ?? '') : result }
  return typeof notFound === 'function' ? notFound(call, state) : (notFound ?? { status: 404 })
}

function isReply(result: Reply | object): result is Reply {
  const { status, body: _, headers: __, ...others } = result as Partial<Reply>
  return typeof status === 'number' && Object.keys(others).length === 0
}
