import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject, KeptnEvent } from '../../../infra/keptn/events.ts'

/** A call to the receiver with its parsed form body. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
  form: URLSearchParams
}

export interface Reply {
  status: number
  body?: unknown
}

export const apiToken = 'test-keptn-token'

/** A receiver with responses of the test, and the Keptn endpoints of the sandbox. */
export async function startReceiver(answer: (call: Call) => Reply | Promise<Reply>) {
  const calls: Call[] = []
  const events: KeptnEvent[] = []
  let refuseRecords = 0

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://receiver')
    let body = ''
    for await (const chunk of request) body += chunk
    const { status, body: content } = await route(request, url, body)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof content === 'string' ? content : JSON.stringify(content ?? {}))
  })

  async function route({ method = '', headers }: IncomingMessage, url: URL, body: string): Promise<Reply> {
    if (url.pathname.startsWith('/keptn/')) {
      if (headers['x-token'] !== apiToken) return { status: 401 }
      return method === 'POST' ? record(JSON.parse(body)) : readBack(url.searchParams)
    }
    if (!url.pathname.startsWith('/v1/')) return { status: 404 }
    const call = { method, path: url.pathname, query: url.searchParams, headers, body, form: new URLSearchParams(body) }
    calls.push(call)
    return await answer(call)
  }

  function record(event: KeptnEvent): Reply {
    if (refuseRecords-- > 0) return { status: 503 }
    events.push(event)
    return { status: 200 }
  }

  /** Returns two events per page, newest first, so that reading always needs several pages. */
  function readBack(query: URLSearchParams): Reply {
    const found = events.filter((event) => event.shkeptncontext === query.get('keptnContext')).reverse()
    const offset = Number(query.get('nextPageKey') ?? 0)
    const nextPageKey = offset + 2 < found.length ? String(offset + 2) : '0'
    return { status: 200, body: { events: found.slice(offset, offset + 2), totalCount: found.length, nextPageKey } }
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    calls,
    events,
    types: () => events.map(({ type, source }) => `${type.replace('sh.keptn.event.', '')} by ${source}`),
    byType: (short: string) => events.filter(({ type }) => type === `sh.keptn.event.${short}`),
    /** The event log rejects the given number of records as overloaded. */
    overload: (times: number) => {
      refuseRecords = times
    },
    /** Sends an event for the task of a call through Keptn's API, like the real receiver. */
    report: (call: Call, kind: 'started' | 'finished', data: JsonObject = {}) => {
      events.push({
        specversion: '1.0',
        id: randomUUID(),
        time: new Date().toISOString(),
        type: (call.form.get('type') ?? '').replace('triggered', kind),
        source: 'receiver',
        contenttype: 'application/json',
        shkeptncontext: call.form.get('shkeptncontext') ?? '',
        shkeptnspecversion: '0.2.4',
        triggeredid: call.form.get('id') ?? '',
        gitcommitid: '',
        data: { project: 'demo', stage: 'dev', service: 'shop', ...data },
      })
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

export type FakeReceiver = Awaited<ReturnType<typeof startReceiver>>
