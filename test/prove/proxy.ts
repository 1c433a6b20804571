import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { generate } from 'selfsigned'

/** TLS in front of the runtime's port, whose certificate or handshake can fail. */
export interface Front {
  url: string
  /** PEM that its certificate is trusted by. */
  ca: string
  /** `untrusted`: the certificate of somebody else. `broken`: the handshake breaks off. */
  state: 'fine' | 'untrusted' | 'broken'
  /** How many connections met that. */
  failed: number
  close(): void
}

/** @param port of the runtime, which need not be there all the time */
export async function startFront(port: number): Promise<Front> {
  const [own, foreign] = await Promise.all([certificate(), certificate()])
  const sockets = new Set<Socket>()
  const secured = createTlsServer(own)
  secured.on('secureConnection', (client) => {
    const inner = connect(port, '127.0.0.1')
    client.pipe(inner).pipe(client)
    // Either end may go at any time: that is what is proven here.
    for (const [one, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  secured.on('tlsClientError', (_, client) => client.destroy())
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    if (front.state !== 'fine') front.failed += 1
    if (front.state === 'broken') return void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    // For this connection: a handshake that is under way keeps what it began with.
    secured.setSecureContext(front.state === 'untrusted' ? foreign : own)
    secured.emit('connection', socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const front: Front = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: own.cert,
    state: 'fine',
    failed: 0,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return front
}

async function certificate(): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  return { key, cert }
}
