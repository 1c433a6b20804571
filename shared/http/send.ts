import type { Agent } from 'node:https'
import { Failure, messageOf } from '../errors.ts'
import type { HttpResponse, SentRequest } from './exchange.ts'
import { agentWithCa, networkReason } from './network.ts'
import { DEEP_JSON, isDeepJson, parseBody } from './parse-body.ts'

/** Larger responses are refused: none that we need is larger, and a Lambda has little memory. */
const MAX_RESPONSE_BYTES = 5 * 1024 * 1024
/** Characters of a body that messages may contain. */
const MAX_MESSAGE_TEXT = 2_000

interface SendOptions {
  platform: string
  /** For messages: `GET /runs`. */
  operation: string
  /** PEM. */
  ca: string | undefined
  timeoutMs: number
}

/** The parts of a response that arrived, even if the request fails. */
export interface ReceivedResponse {
  status?: number | undefined
  /** The start of the body. Undefined if the body is incomplete. */
  text?: string
}

/**
 * Sends one request, without redirects.
 *
 * @param received is filled as the response arrives
 * @throws Failure `platform`, `timeout`, `misconfigured`
 */
export async function sendRequest(
  request: SentRequest,
  { platform, operation, ca, timeoutMs }: SendOptions,
  received: ReceivedResponse,
): Promise<HttpResponse> {
  const isSecure = request.url.startsWith('https:')
  // Loaded when first used.
  const { request: open } = isSecure ? await import('node:https') : await import('node:http')
  const agent = isSecure && ca ? { agent: await agentFor(ca) } : {}
  return new Promise<HttpResponse>((resolve, reject) => {
    const fail = (kind: 'platform' | 'timeout', text: string, cause?: unknown) => {
      reject(new Failure(kind, `${platform} ${text} (${operation}).`, { cause }))
      outgoing.destroy()
    }
    const length = request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }
    const options = { method: request.method, headers: { ...request.headers, ...length }, ...agent }
    const outgoing = openRequest(() =>
      open(request.url, options, (incoming) => {
        received.status = incoming.statusCode
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_RESPONSE_BYTES) fail('platform', `answered more than ${MAX_RESPONSE_BYTES / 1024 / 1024} MB`)
          else chunks.push(chunk)
        })
        incoming.on('end', () => {
          if (!incoming.complete) return
          const text = Buffer.concat(chunks).toString('utf8')
          const { statusCode: status = 0 } = incoming
          const isDeep = isDeepJson(text)
          // The status of a refusal is enough.
          if (isDeep && status < 400) return fail('platform', `answered ${DEEP_JSON}`)
          received.text = text.slice(0, MAX_MESSAGE_TEXT)
          const headers = Object.fromEntries(
            Object.entries(incoming.headers).map(([name, value]) => [
              name,
              Array.isArray(value) ? value.join('\n') : String(value),
            ]),
          )
          resolve({ status, headers, body: isDeep ? DEEP_JSON : parseBody(text) })
        })
        incoming.on('close', () => {
          clearTimeout(timer)
          if (!incoming.complete) fail('platform', 'closed the connection before the end of its response')
        })
      }),
    )
    const timer = setTimeout(
      () => fail('timeout', `did not respond within ${Math.round(timeoutMs / 1_000)} s`),
      timeoutMs,
    )
    outgoing.on('close', () => clearTimeout(timer))
    outgoing.on('error', (error) => fail('platform', `could not be reached: ${networkReason(error)}`, error))
    outgoing.end(request.body)
  })
}

/** @throws Failure `misconfigured` if Node rejects a header. Its message has the header's name, but not its value. */
function openRequest<T>(open: () => T): T {
  try {
    return open()
  } catch (cause) {
    throw new Failure('misconfigured', `The connection creates an invalid request: ${messageOf(cause)}.`, { cause })
  }
}

async function agentFor(ca: string): Promise<Agent> {
  try {
    return await agentWithCa(ca)
  } catch (cause) {
    throw new Failure('misconfigured', 'The field "ca" of the connection must be a PEM certificate.', { cause })
  }
}
