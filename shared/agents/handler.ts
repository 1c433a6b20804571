import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { authenticate } from '../auth/authenticate.ts'
import type { Caller } from '../auth/callers.ts'
import { Failure } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import { clearSecrets } from '../redact.ts'
import { settings } from '../settings.ts'
import { setTraceparent } from '../traceparent.ts'
import { answerRequest } from './endpoint.ts'
import { CREDENTIAL_HEADERS, forwardFor } from './forward.ts'
import { type Headers, headerOf } from './mirrored-headers.ts'
import { readNarrowing } from './narrowing.ts'
import { isMetadataRequest, metadataResponse, withMetadataUrl } from './resource-metadata.ts'
import { toolServerFor } from './tool-server.ts'

/** Handles requests of API Gateway. */
export type AgentsHandler = (event: APIGatewayProxyEvent, context: Context) => Promise<WebhookResponse>

/**
 * The handler of `POST /mcp`: the Model Context Protocol (MCP), with which agents find and call the actions. It forwards each call to the
 * webhook of its category with the credentials of the agent, and can do nothing itself.
 *
 * @example export const handler = agentsHandler()
 */
export function agentsHandler(): AgentsHandler {
  return async (event, context) => {
    const startedAt = Date.now()
    clearSecrets()
    log.resetKeys()
    setTraceparent(undefined)
    if (isMetadataRequest(event)) return metadataResponse(context)
    const answer = await answerRequest(event, context, async (headers) => {
      const caller = await callerOf(headers, event)
      log.appendKeys({ caller: caller.name, person: caller.person })
      return toolServerFor(caller, forwardFor(event, headers, context), readNarrowing(event, headers))
    })
    const response = await withMetadataUrl(answer)
    const { statusCode: status } = response
    log.info('agent request', { status, ms: Date.now() - startedAt, requestId: context.awsRequestId })
    return response
  }
}

async function callerOf(headers: Headers, { requestContext }: APIGatewayProxyEvent): Promise<Caller> {
  const credentials = Object.fromEntries(CREDENTIAL_HEADERS.map((name) => [name, headerOf(headers, name)]))
  try {
    const { caller } = await authenticate({
      headers: credentials,
      rawBody: () => new Uint8Array(),
      address: requestContext.identity.sourceIp,
      audience: settings.mcpUrl,
    })
    return caller
  } catch (error) {
    const isWrong = Object.values(credentials).some((value) => value !== undefined)
    if (!isWrong || !(error instanceof Failure) || error.kind !== 'unauthenticated') throw error
    const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
    throw new Failure('unauthenticated', error.message, { headers: challenge })
  }
}
