import http, { type RequestListener } from 'node:http'
import https from 'node:https'
import { afterEach } from '@jest/globals'
import { Http } from '../../../shared/http/client.ts'
import { failureOf } from '../../functions/helpers.ts'
import { listen } from '../../listen.ts'

const servers: (http.Server | https.Server)[] = []
/** The requests that the servers received: `GET /x`. */
export const seen: string[] = []
afterEach(() => {
  seen.splice(0)
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** Starts a server, which is closed after the test. */
export async function serve(listener: RequestListener, tls?: { key: string; cert: string }): Promise<string> {
  const handle: RequestListener = (req, res) => {
    seen.push(`${req.method} ${req.url}`)
    listener(req, res)
  }
  const server = tls ? https.createServer(tls, handle) : http.createServer(handle)
  servers.push(server)
  return `${tls ? 'https' : 'http'}://127.0.0.1:${await listen(server)}`
}

export type Options = Partial<ConstructorParameters<typeof Http>[0]>
export const client = (baseUrl: string, more: Options = {}) => new Http({ platform: 'Acme', baseUrl, ...more })
export const replying = async (status: number, body = '', headers = {}, more: Options = {}) =>
  client(await serve((_, res) => res.writeHead(status, headers).end(body)), more)
/** Returns the failure of a GET with this response. */
export const refusing = async (status: number, body: unknown = '', headers = {}, more: Options = {}) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return failureOf((await replying(status, text, headers, more)).get('x'))
}
export const redirecting = (targets: Record<string, [status: number, location: string]>) =>
  serve((req, res) => {
    const [status, location] = targets[req.url ?? ''] ?? []
    if (status === undefined) res.end('{"here":true}')
    else res.writeHead(status, { location }).end()
  })
