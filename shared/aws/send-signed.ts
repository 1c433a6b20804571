import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'

interface SendOptions {
  method: string
  headers: Record<string, string>
  signal: AbortSignal | undefined
  /** Without any data from the service. */
  timeoutMs: number
}

interface Response {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** Twice as much as the largest response of Lambda. */
const MAX_RESPONSE_BYTES = 12 * 1024 * 1024

/** Sends a signed request once, over a connection that the next request reuses. */
export function sendSigned(
  url: URL,
  { method, headers, signal, timeoutMs }: SendOptions,
  body: string | undefined,
): Promise<Response> {
  const { request: open } = url.protocol === 'https:' ? https : http
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers, ...length }, timeout: timeoutMs, ...(signal ? { signal } : {}) }
    const request = open(url, options, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > MAX_RESPONSE_BYTES)
          response.destroy(new Error(`${url.host} sent more than ${MAX_RESPONSE_BYTES} bytes`))
      })
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers: received } = response
        resolve({ status, headers: received, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    request.on('timeout', () => request.destroy(timeoutError(url.host, timeoutMs)))
    request.on('error', reject)
    request.end(body)
  })
}

function timeoutError(host: string, timeoutMs: number): Error {
  return Object.assign(new Error(`${host} did not respond within ${Math.ceil(timeoutMs / 1_000)} s`), {
    name: 'TimeoutError',
  })
}
