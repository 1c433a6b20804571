import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/**
 * A proxy that forwards one request at a time to moto. A conditional write of DynamoDB is atomic; moto reads,
 * and then writes: of two at once, measured, up to every second pair both got through.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
 */
export async function oneAtATime(url: string): Promise<{ url: string; close(): Promise<void> }> {
  let before: Promise<unknown> = Promise.resolve()
  const pass = async (req: IncomingMessage, res: ServerResponse) => {
    const { method = 'GET', url: path = '/', headers } = req
    const { host: _, connection: __, 'content-length': ___, ...kept } = headers
    const body = await buffer(req)
    const response = await fetch(`${url}${path}`, { method, headers: kept as Record<string, string>, body })
    const answer = Buffer.from(await response.arrayBuffer())
    res.writeHead(response.status, { 'content-type': response.headers.get('content-type') ?? '' }).end(answer)
  }
  const server = createServer((req, res) => {
    before = before.then(() => pass(req, res)).catch((error: unknown) => res.writeHead(502).end(`moto: ${error}`))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
