import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { logCause } from '../core/log-cause.ts'
import { parseCallBody } from '../core/webhook/body.ts'
import { json, problemResponse } from '../core/webhook/responses.ts'
import { Failure, messageOf } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import { isRecord } from '../record.ts'
import { plainSingleLine } from '../text/plain-text.ts'
import { errorResponse, RPC_CODES, RpcError, type RpcResponse } from './json-rpc.ts'
import { type Headers, headerOf } from './mirrored-headers.ts'
import { answerMessage } from './protocol.ts'
import type { JsonObject, ToolServer } from './server.ts'
import { META_KEYS } from './versions.ts'

/**
 * Answers an HTTP request with one message of MCP.
 *
 * @param serverFor authenticates the caller, before the body is read
 */
export async function answerRequest(
  event: APIGatewayProxyEvent,
  context: Pick<Context, 'awsRequestId'>,
  serverFor: (headers: Headers) => Promise<ToolServer>,
): Promise<WebhookResponse> {
  const headers = headersOf(event)
  try {
    // An older client asks for a stream with GET, and ends its session with DELETE.
    if (event.httpMethod !== 'POST') throw new Failure('method', 'Use POST.', { headers: { allow: 'POST' } })
    refuseForeignPage(headers, event)
    const server = await serverFor(headers)
    const message = messageIn(event, headers)
    log.appendKeys(describe(message))
    return toHttp(await answerMessage(server, message, headers))
  } catch (error) {
    if (error instanceof RpcError) return toHttp(errorResponse(undefined, error))
    logCause(error)
    log.appendKeys({ reason: messageOf(error) })
    return problemResponse(error, context.awsRequestId)
  }
}

/** Takes all values, because two proxies may read different ones. */
function headersOf({ headers, multiValueHeaders }: APIGatewayProxyEvent): Headers {
  const found: Record<string, string[]> = Object.create(null)
  for (const [name, values = []] of Object.entries(multiValueHeaders ?? {})) {
    const key = name.toLowerCase()
    found[key] = [...(found[key] ?? []), ...values]
  }
  for (const [name, value = ''] of Object.entries(headers ?? {})) found[name.toLowerCase()] ??= [value]
  return found
}

/** A page in a browser must not use what the browser can reach. Agents send no `Origin`. */
function refuseForeignPage(headers: Headers, { requestContext }: APIGatewayProxyEvent): void {
  const origin = headerOf(headers, 'origin')
  if (origin === undefined || URL.parse(origin)?.hostname === requestContext.domainName) return
  throw new RpcError(RPC_CODES.request, 'Pages of other sites cannot use this server.', { status: 403 })
}

/** Parses the body. An array of messages is no longer part of the protocol. */
function messageIn({ body, isBase64Encoded }: APIGatewayProxyEvent, headers: Headers): JsonObject {
  try {
    const contentType = headerOf(headers, 'content-type')
    if (!/^application\/json\b/i.test(contentType ?? ''))
      throw new Failure('media', 'Send the content type application/json.')
    if (!body) throw new Failure('invalid', 'The body is empty. Send one JSON-RPC message.')
    return parseCallBody(body, isBase64Encoded, contentType)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new RpcError(RPC_CODES.parse, error.message, { status: error.status })
  }
}

/** Returns what a log line says about a message. The name of the client is its own word. */
function describe({ method, params }: JsonObject): JsonObject {
  const { name, _meta: meta, clientInfo } = isRecord(params) ? params : {}
  const client = isRecord(meta) && isRecord(meta[META_KEYS.client]) ? meta[META_KEYS.client] : clientInfo
  const line = (value: unknown) => (typeof value === 'string' ? plainSingleLine(value, 80) : undefined)
  return { method: line(method), tool: line(name), client: isRecord(client) ? line(client['name']) : undefined }
}

function toHttp({ status, body }: RpcResponse): WebhookResponse {
  return body === undefined ? { statusCode: status, headers: {}, body: '' } : json(status, body)
}
