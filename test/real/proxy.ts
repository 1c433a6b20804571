import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { type Call, type ForwardedReply, type Served, serve } from '../../infra/testing/loopback-server.ts'

/** Headers that belong to a connection. Without `accept-encoding`, the response is text. */
const OWN_HEADERS = ['host', 'connection', 'accept-encoding', 'content-length', 'transfer-encoding', 'keep-alive']

interface ProxyOptions {
  /** PEM of the certificate authority of the server. */
  ca?: string | undefined
  /** Called with each forwarded request, before its response is returned or lost. */
  afterEach?: (call: Call) => unknown
}

/**
 * Starts a proxy for a real server. Like a fake platform, it records the requests and can lose, hold and replace responses.
 *
 * @param origin the URL of the server without a path
 */
export async function startProxy(origin: string, { ca, afterEach }: ProxyOptions = {}): Promise<Served> {
  const replies: Promise<ForwardedReply>[] = []
  const forwardOne = async (call: Call) => {
    const reply = await forward(origin, call, ca)
    await afterEach?.(call)
    return reply
  }
  const server = await serve((call) => {
    const reply = forwardOne(call)
    replies.push(reply)
    return reply
  })
  return {
    ...server,
    async close() {
      await server.close()
      // The server may still work on requests whose responses were lost.
      await Promise.all(replies)
    },
  }
}

/** Sends a request to a server as it was received, and returns its response, or a 502 if there is none. */
export async function forward(origin: string, call: Call, ca?: string): Promise<ForwardedReply> {
  const { method, encodedPath, query, headers, text: body } = call
  const url = `${origin}${encodedPath}${query.size > 0 ? `?${query}` : ''}`
  return request(url, { method, headers, body, ca }).catch(({ message }) => ({ status: 502, body: message }))
}

interface RequestOptions {
  method?: string
  headers?: Call['headers']
  body?: string
  ca?: string | undefined
}

/** Sends a request. Unlike `fetch`, it sets no timer, which a test could take for one of the code under test. */
export function request(url: string, { method = 'GET', headers = {}, body = '', ca }: RequestOptions) {
  const send = url.startsWith('https:') ? overHttps : overHttp
  const { promise, resolve, reject } = Promise.withResolvers<ForwardedReply & { body: string }>()
  const sent = send(url, { method, headers: withoutOwn(headers), ...(ca ? { ca } : {}) }, (response) => {
    const { statusCode: status = 502, headers } = response
    // Without a type, a fake platform would add one.
    const received = { status, headers: { 'content-type': '', ...withoutOwn(headers) } }
    text(response).then((body) => resolve({ ...received, body }), reject)
  })
  sent.on('error', reject)
  sent.end(body)
  return promise
}

function withoutOwn(headers: Call['headers']): Record<string, string | string[]> {
  const others = Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name))
  return Object.fromEntries(others.map(([name, value]) => [name, value ?? '']))
}
