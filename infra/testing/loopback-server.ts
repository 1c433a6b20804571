import { channel } from 'node:diagnostics_channel'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that a server received. */
export interface Call {
  method: string
  /** Decoded. */
  path: string
  encodedPath: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  /** Parsed JSON, the text if it is not JSON, or undefined if it is empty. */
  body: unknown
  /** The body as text. */
  text: string
}

/** A response. An object as the body is sent as JSON. */
export interface Reply {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/** A response in which a header, such as `set-cookie`, may have several values. */
export interface ForwardedReply extends Omit<Reply, 'headers'> {
  headers?: Record<string, string | string[]>
}

/** A request and its response. */
export interface Exchange {
  call: Call
  reply: ForwardedReply
  /** The test chose the response, not the platform. */
  isInjected: boolean
}

/** The diagnostics channel on which every server publishes its exchanges. */
export const EXCHANGES = 'webhooks.platform.exchanges'
const exchanges = channel(EXCHANGES)

interface Failure {
  reply: Reply | 'lost' | 'held'
  on: string | ((call: Call) => boolean) | undefined
  done: boolean
  times: number
}

/** A running fake platform. Tests read its requests and inject failures. */
export interface Served {
  url: string
  /** All requests, oldest first. */
  calls: Call[]
  /**
   * Fails the next request.
   *
   * @param options.on the HTTP method or AWS operation that fails, such as `POST` or `CreateOpsItem`, or a condition
   * @param options.done carries the request out before the failure
   * @param options.times number of requests that fail
   */
  failNext(
    status: number,
    body?: unknown,
    options?: {
      on?: string | ((call: Call) => boolean)
      done?: boolean
      times?: number
      headers?: Record<string, string>
    },
  ): void
  /** Carries the next request out and closes the connection without a response. */
  loseNext(on: string | ((call: Call) => boolean)): void
  /** Carries the next request out and never responds. */
  holdNext(on: string | ((call: Call) => boolean)): void
  /**
   * Replaces the body of the next matching response, if a body is given.
   *
   * @returns the statuses of all matching requests, updated as they arrive
   */
  replaceNext(matches: (call: Call) => boolean, body?: string): number[]
  /** Removes all failures that have not happened yet. */
  recover(): void
  /** Accepts requests and never responds. */
  hang(on?: boolean): void
  /** Closes every connection without a response. */
  down(on?: boolean): void
  close(): Promise<void>
}

/** Returns a reply with the status 200. */
export function ok(body: unknown): Reply {
  return { status: 200, body }
}

/** Returns the last item. Throws an error if nothing was created yet. */
export function newestOf<T>(items: readonly T[]): T {
  const newest = items.at(-1)
  if (newest === undefined) throw new Error('Nothing was created yet.')
  return newest
}

/**
 * Starts a server on a free loopback port.
 *
 * @example const server = await serve(({ path }) => (path === '/me' ? ok({ name: 'robot' }) : { status: 404 }))
 */
export async function serve(answer: (call: Call) => ForwardedReply | Promise<ForwardedReply>): Promise<Served> {
  const calls: Call[] = []
  const failures: Failure[] = []
  const watched: { matches: (call: Call) => boolean; body: string | undefined; statuses: number[] }[] = []
  const mode = { hangs: false, down: false }

  const replaced = (call: Call, reply: ForwardedReply): ForwardedReply => {
    const matching = watched.filter(({ matches }) => matches(call))
    const first = matching.find(({ statuses }) => statuses.length === 0)
    for (const { statuses } of matching) statuses.push(reply.status)
    // A 204 response cannot have a body.
    return first?.body !== undefined
      ? { ...reply, status: reply.status === 204 ? 200 : reply.status, body: first.body }
      : reply
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const call = await readCall(request)
    calls.push(call)
    if (mode.down) return void request.socket.destroy()
    if (mode.hangs) return
    const failure = failures.find(({ on }) =>
      typeof on === 'function' ? on(call) : on === undefined || on === call.method || on === awsOperation(call),
    )
    if (failure) {
      failure.times--
      if (failure.times === 0) failures.splice(failures.indexOf(failure), 1)
      if (failure.done) await answer(call)
      if (failure.reply === 'lost') return void request.socket.destroy()
      if (failure.reply === 'held') return
    }
    const given = failure ? (failure.reply as Reply) : await answer(call)
    const reply = replaced(call, given)
    exchanges.publish({ call, reply, isInjected: failure !== undefined || reply !== given } satisfies Exchange)
    const text =
      reply.body === undefined ? '' : typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body)
    response.writeHead(reply.status, { 'content-type': 'application/json; charset=utf-8', ...reply.headers })
    response.end(text)
  }
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    failNext(status, body, { on, done = false, times = 1, headers = {} } = {}) {
      failures.push({ reply: { status, body, headers }, on, done, times })
    },
    loseNext(on) {
      failures.push({ reply: 'lost', on, done: true, times: 1 })
    },
    holdNext(on) {
      failures.push({ reply: 'held', on, done: true, times: 1 })
    },
    replaceNext(matches, body) {
      const statuses: number[] = []
      watched.push({ matches, body, statuses })
      return statuses
    },
    recover() {
      failures.splice(0)
      watched.splice(0)
      Object.assign(mode, { hangs: false, down: false })
    },
    hang(on = true) {
      mode.hangs = on
    },
    down(on = true) {
      mode.down = on
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Returns the operation of a request to an AWS service that uses one path for all operations. */
export function awsOperation({ headers }: Call): string | undefined {
  return headers['x-amz-target']?.toString().split('.')[1]
}

/** Returns the kind and the first field of a GraphQL request: `mutation issueCreate`. */
export function graphqlOperation({ body }: Call): string | undefined {
  const { query } = (body ?? {}) as { query?: unknown }
  const [, kind = 'query', field] = /^\s*(query|mutation)?[^{]*\{\s*(\w+)/.exec(String(query)) ?? []
  return field && `${kind} ${field}`
}

/** Describes a request in one line: `POST /path`, the operation of an AWS service, or `POST /path field` for GraphQL. */
export function requestLine(call: Call): string {
  const field = graphqlOperation(call)?.split(' ')[1]
  return awsOperation(call) ?? [call.method, call.path, field].filter(Boolean).join(' ')
}

async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const text = Buffer.concat(chunks).toString('utf8')
  return {
    method: request.method ?? '',
    path: decodeURIComponent(url.pathname),
    encodedPath: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: parse(text),
    text,
  }
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
