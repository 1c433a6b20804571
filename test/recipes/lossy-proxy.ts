import { createServer, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { listen } from '../listen.ts'

/** A proxy between a client and a server that can lose a response. */
export interface LossyProxy {
  url: string
  /** The server gets the next POST, PUT, PATCH or DELETE, and the client gets no response. */
  loseNextWrite(): void
  close(): Promise<void>
}

/**
 * @param target the base URL of the server
 * @param ca PEM of its certificate authority
 */
export async function startLossyProxy(target: string, ca: string | undefined): Promise<LossyProxy> {
  const { protocol, origin, pathname } = new URL(target)
  const request = protocol === 'https:' ? overHttps : overHttp
  let isNextLost = false
  const server = createServer((incoming, outgoing) => {
    const isLost = isNextLost && incoming.method !== 'GET'
    if (isLost) isNextLost = false
    const { host: _, ...headers } = incoming.headers
    const options = { method: incoming.method, headers, ...(ca ? { ca } : {}) }
    const forwarded = request(`${origin}${incoming.url}`, options, (response) => {
      if (isLost) return void response.resume().once('end', () => outgoing.destroy())
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  return {
    url: `http://127.0.0.1:${await listen(server)}${pathname.replace(/\/$/, '')}`,
    loseNextWrite: () => {
      isNextLost = true
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
