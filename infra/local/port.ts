import { createServer, type Server } from 'node:http'

/**
 * Starts listening on 127.0.0.1 and returns the URL.
 *
 * @throws Error if the port is in use
 */
export function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${port} is already in use. Stop the process that uses it, or add another port to the command: WEBHOOKS_PORT=${port + 1}`,
            )
          : error,
      )
    })
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`)
    })
  })
}

/** @throws Error if the port is in use */
export async function checkPort(port: number): Promise<void> {
  const server = createServer()
  await listen(server, port)
  await closeServer(server)
}

/** Closes a server and its connections. */
export async function closeServer(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
}

/** @returns undefined if the text is not a port number. 0 means a free port */
export function portOf(text: string): number | undefined {
  const port = Number(text)
  return /^\d+$/.test(text) && port <= 65_535 ? port : undefined
}
