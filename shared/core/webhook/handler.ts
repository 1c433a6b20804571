import middy from '@middy/core'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { kindOf } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import { auditDirectCall, type DirectResult, handleDirectCall } from '../direct/handler.ts'
import type { DirectCall } from '../direct/read-direct-call.ts'
import { logCause } from '../log-cause.ts'
import { isForwarded, isOfSource } from './forwarded.ts'
import { withMonotonicTime } from './monotonic-time.ts'
import { preload } from './preload.ts'
import { requestLog } from './request-log.ts'
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
    .handler((event, context) => route(category, event, withMonotonicTime(context)))
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
