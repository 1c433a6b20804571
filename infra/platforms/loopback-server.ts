import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as a platform got it. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: Record<string, string | string[] | undefined>
  /** Parsed JSON; the text where it is none; undefined where there is none. */
  body: unknown
  /** The body, byte for byte, as text. */
  text: string
}

/** What a platform answers; without a body an empty answer. */
export interface Reply {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/** What goes wrong on the next calls. */
interface Failing {
  reply: Reply | 'lost' | 'held'
  on: string | ((call: Call) => boolean) | undefined
  done: boolean
  times: number
}

/** What every platform that is played here has: its address, what it was asked, and switches to make it fail. */
export interface Served {
  url: string
  /** Each request, in order. */
  calls: Call[]
  /**
   * The next request fails instead of being answered.
   *
   * @param options.on only one of this method, such as `POST`, or of this operation of AWS, such as `CreateOpsItem`
   * @param options.done it is carried out all the same, and only its answer is another
   * @param options.times how many requests
   */
  failNext(
    status: number,
    body?: unknown,
    options?: { on?: string; done?: boolean; times?: number; headers?: Record<string, string> },
  ): void
  /** The next request is carried out, and its answer is lost on the way. */
  loseNext(on: string | ((call: Call) => boolean)): void
  /** The next request is carried out and never answered. */
  holdNext(on: string): void
  /**
   * The next request that matches is carried out and answered with its own status and another body, if one is given.
   *
   * @returns the statuses of all matching requests from now on
   */
  replaceNext(matches: (call: Call) => boolean, body?: string): number[]
  /** Takes requests and never answers. */
  hang(on?: boolean): void
  /** Breaks every connection off. */
  down(on?: boolean): void
  close(): Promise<void>
}

/** Plays a platform on a free port of this machine. */
export async function serve(answer: (call: Call) => Reply | Promise<Reply>): Promise<Served> {
  const calls: Call[] = []
  const failing: Failing[] = []
  const watched: { matches: (call: Call) => boolean; body: string | undefined; statuses: number[] }[] = []
  const mode = { hangs: false, down: false }

  const replaced = (call: Call, reply: Reply): Reply => {
    const matching = watched.filter(({ matches }) => matches(call))
    const first = matching.find(({ statuses }) => statuses.length === 0)
    for (const { statuses } of matching) statuses.push(reply.status)
    // 204 takes no body.
    return first?.body !== undefined
      ? { ...reply, status: reply.status === 204 ? 200 : reply.status, body: first.body }
      : reply
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const call = await readCall(request)
    calls.push(call)
    if (mode.down) return void request.socket.destroy()
    if (mode.hangs) return
    const failure = failing.find(({ on }) =>
      typeof on === 'function' ? on(call) : on === undefined || on === call.method || on === awsOperation(call),
    )
    if (failure) {
      failure.times--
      if (failure.times === 0) failing.splice(failing.indexOf(failure), 1)
      if (failure.done) await answer(call)
      if (failure.reply === 'lost') return void request.socket.destroy()
      if (failure.reply === 'held') return
    }
    const reply = replaced(call, failure ? (failure.reply as Reply) : await answer(call))
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
      failing.push({ reply: { status, body, headers }, on, done, times })
    },
    loseNext(on) {
      failing.push({ reply: 'lost', on, done: true, times: 1 })
    },
    holdNext(on) {
      failing.push({ reply: 'held', on, done: true, times: 1 })
    },
    replaceNext(matches, body) {
      const statuses: number[] = []
      watched.push({ matches, body, statuses })
      return statuses
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

/** What a call asks of an AWS service that has one path for everything. */
export function awsOperation({ headers }: Call): string | undefined {
  return headers['x-amz-target']?.toString().split('.')[1]
}

async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const text = Buffer.concat(chunks).toString('utf8')
  return {
    method: request.method ?? '',
    path: decodeURIComponent(url.pathname),
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
