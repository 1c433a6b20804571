import middy from '@middy/core'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { audit } from '../../audit.ts'
import { kindOf } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import { clearSecrets } from '../../redact.ts'
import { setTraceparent } from '../../traceparent.ts'
import { sendAuditEvent } from '../audit-event.ts'
import { auditDirectCall, type DirectResult, handleDirectCall } from '../direct/handler.ts'
import type { DirectCall } from '../direct/read-direct-call.ts'
import { logCause } from '../log-cause.ts'
import { isForwarded, isOfSource } from './forwarded.ts'
import { preload } from './preload.ts'
import { readRequest, segmentsOf } from './request.ts'
import { problemResponse } from './responses.ts'
import { route } from './route.ts'

/**
 * The webhook of a category: an API Gateway (REST) proxy handler for `POST /{category}/{action}`,
 * `POST /{category}/{action}/cancel`, `GET /{category}/tasks/{taskId}` and `POST /{category}/tasks/{taskId}/{cancel|answer|rerun}`. Authenticates and checks a
 * call, then runs a silent call and returns its outcome, or starts the task of an interactive call and returns 202.
 *
 * Any status >= 400 means that no event will ever be sent. 202 means that exactly one `finished` event will be sent.
 *
 * @example export const handler = webhookHandler(issueTicketing)
 */
export function webhookHandler(category: Category): WebhookHandler {
  const handleRequest = httpHandler(category)
  function handle(event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse>
  function handle(event: DirectCall, context: Context): Promise<DirectResult>
  async function handle(event: APIGatewayProxyEvent | DirectCall, context: Context) {
    if (isOfSource(context)) {
      const { handleSourceCall } = await import('../direct/source-call.ts')
      return handleSourceCall(category, event, context, auditDirectCall)
    }
    if (isRequest(event)) return handleRequest(event, context)
    if (isForwarded(context)) throw new Error('This alias accepts requests only, whose callers are authenticated.')
    return handleDirectCall(category, event, context)
  }
  return Object.assign(handle, { preload: () => preload(category) })
}

/** Handles requests of API Gateway, and invocations without HTTP. */
export interface WebhookHandler {
  (event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse>
  (event: DirectCall, context: Context): Promise<DirectResult>
  /** Prepares the execution environment for its first call. Does not throw. */
  preload(): Promise<void>
}

function isRequest(event: APIGatewayProxyEvent | DirectCall): event is APIGatewayProxyEvent {
  return 'httpMethod' in event
}

function httpHandler(category: Category) {
  return middy<APIGatewayProxyEvent, WebhookResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(requestLog(category))
    .use(problems())
    .use(httpHeaderNormalizer())
    .handler((event, context) => route(category, readRequest(event, category.name, context)))
}

/** Turns an error into a problem response. */
function problems(): middy.MiddlewareObj<APIGatewayProxyEvent, WebhookResponse> {
  return {
    onError(request) {
      logCause(request.error)
      log.appendKeys({ kind: kindOf(request.error) })
      request.response = problemResponse(request.error, request.context.awsRequestId)
    },
  }
}

/** Logs one line per request, without its body and headers, and its audit line. */
function requestLog(category: Category): middy.MiddlewareObj<APIGatewayProxyEvent, WebhookResponse> {
  let startedAt = 0
  const line = async (request: middy.Request<APIGatewayProxyEvent, WebhookResponse, Error, Context>) => {
    const { statusCode } = request.response ?? {}
    log.info('request', {
      method: request.event.httpMethod,
      path: maskPath(request.event.path, category),
      status: statusCode,
      ms: Date.now() - startedAt,
      requestId: request.context.awsRequestId,
      reason: statusCode !== undefined && statusCode >= 400 ? reasonIn(request.response) : undefined,
    })
    await sendAuditEvent(audit.write(Date.now() - startedAt, request.error ?? undefined))
    log.resetKeys()
  }
  return {
    before({ context }) {
      // An execution environment handles one request at a time.
      startedAt = Date.now()
      audit.start({ category: category.name, requestId: context.awsRequestId })
      clearSecrets()
      setTraceparent(undefined)
    },
    after: line,
    onError: line,
  }
}

/** Masks what follows the name of a public route in a path: it may be a credential, such as the token of an approval. */
function maskPath(path: string, { name: category, routes = {} }: Category): string {
  const [first = '', ...rest] = segmentsOf(path, category)
  const isPublic = rest.length > 0 && Object.hasOwn(routes, decodeIfPossible(first))
  return isPublic ? `/${category}/${first}/***` : path
}

function decodeIfPossible(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Returns the detail of a problem response. The route of an HTML page logs the reason itself. */
function reasonIn(response: WebhookResponse | null | undefined): string | undefined {
  if (!response?.headers['content-type']?.includes('json')) return undefined
  return (JSON.parse(response.body) as { detail?: string }).detail
}
