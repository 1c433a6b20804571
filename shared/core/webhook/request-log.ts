import type middy from '@middy/core'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { audit } from '../../audit.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import { clearSecrets } from '../../redact.ts'
import { setTraceparent } from '../../traceparent.ts'
import { sendAuditEvent } from '../audit-event.ts'
import { segmentsOf } from './request.ts'

/** Logs one line per request, without its body and headers, and its audit line. */
export function requestLog(category: Category): middy.MiddlewareObj<APIGatewayProxyEvent, WebhookResponse> {
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
