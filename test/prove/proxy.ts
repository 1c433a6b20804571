import { connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { certificate } from '../certificate.ts'
import { listen } from '../listen.ts'

/** A TLS proxy for the runtime whose certificate or handshake can fail. */
export interface TlsProxy {
  url: string
  /** PEM of its certificate authority. */
  ca: string
  /** `untrusted`: another certificate. `broken`: the handshake fails. */
  state: 'fine' | 'untrusted' | 'broken'
  /** Number of failed connections. */
  failed: number
  close(): void
}

/** @param port the port of the runtime, which may be down */
export async function startTlsProxy(port: number): Promise<TlsProxy> {
  const [own, foreign] = await Promise.all([certificate(), certificate()])
  const sockets = new Set<Socket>()
  const secured = createTlsServer(own)
  secured.on('secureConnection', (client) => {
    const inner = connect(port, '127.0.0.1')
    client.pipe(inner).pipe(client)
    // Either side may disconnect at any time.
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
    if (proxy.state !== 'fine') proxy.failed += 1
    if (proxy.state === 'broken') return void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    // Applies to new handshakes only.
    secured.setSecureContext(proxy.state === 'untrusted' ? foreign : own)
    secured.emit('connection', socket)
  })
  const proxy: TlsProxy = {
    url: `https://127.0.0.1:${await listen(server)}`,
    ca: own.cert,
    state: 'fine',
    failed: 0,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return proxy
}
