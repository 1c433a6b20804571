import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import type { AddressInfo } from 'node:net'

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
  const { protocol, hostname, port, pathname } = new URL(target)
  const request = protocol === 'https:' ? overHttps : overHttp
  let isNextLost = false
  const server = createServer(async (incoming, outgoing) => {
    const body: Buffer[] = []
    for await (const chunk of incoming) body.push(chunk as Buffer)
    const isLost = isNextLost && incoming.method !== 'GET'
    if (isLost) isNextLost = false
    const { host: _, connection: __, ...headers } = incoming.headers
    const forwarded = request({
      hostname,
      port,
      method: incoming.method,
      path: incoming.url,
      headers,
      ...(ca ? { ca } : {}),
    })
    forwarded.on('error', () => outgoing.destroy())
    forwarded.on('response', async (response) => {
      const answer: Buffer[] = []
      for await (const chunk of response) answer.push(chunk as Buffer)
      if (isLost) return void outgoing.destroy()
      outgoing.writeHead(response.statusCode ?? 502, withoutTransfer(response.headers))
      outgoing.end(Buffer.concat(answer))
    })
    forwarded.end(Buffer.concat(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname.replace(/\/$/, '')}`,
    loseNextWrite: () => {
      isNextLost = true
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The body goes out in one piece. */
function withoutTransfer({ 'transfer-encoding': _, connection: __, ...headers }: IncomingHttpHeaders) {
  return headers
}
