import { audit } from '../../audit.ts'
import { type Authenticated, authenticate } from '../../auth/authenticate.ts'
import { authorizeCategory, authorizeWrite } from '../../auth/callers.ts'
import { Failure } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { parsePollerBody } from '../../orchestrators/index.ts'
import type { Category } from '../../providers/category.ts'
import { parseCallBody } from './body.ts'
import { callResponse, cancelResponse, ignoredResponse, signedCallResponse, verifySignedCall } from './call-routes.ts'
import { routeRequestOf, type WebhookRequest } from './request.ts'
import { changeResponse, isTaskOperation, statusResponse } from './task-routes.ts'

/** Authenticates the caller, and finds the handler of a request by its path. */
export async function route(category: Category, request: WebhookRequest): Promise<WebhookResponse> {
  const { segments, method, path, rawBody, address } = request
  const [first = '', second, operation = ''] = segments
  const publicRoute = category.routes && Object.hasOwn(category.routes, first) ? category.routes[first] : undefined
  if (publicRoute) return (await publicRoute())(category, routeRequestOf(request))
  const isCall = segments.length === 1
  const isCancel = segments.length === 2 && first !== 'tasks' && second === 'cancel'
  if (isCall || isCancel) audit.add({ operation: isCall ? 'call' : 'cancel', action: first })
  const [orchestrator] = request.query['orchestrator'] ?? []
  const isSigned = isCall && orchestrator !== undefined
  const signed = isSigned ? await verifySignedCall(category, orchestrator, first, request) : undefined
  if (isSigned && !signed) return ignoredResponse()
  const headers = isCall || isCancel ? withPollerToken(request) : request.headers
  const authenticated: Authenticated = signed ?? (await authenticate({ headers, rawBody, address }))
  const { caller, message } = authenticated
  audit.add({ caller: caller.name, person: caller.person })
  authorizeCategory(caller, category.name)
  if (signed) return signedCallResponse(category, signed, request)
  if (isCall) return callResponse(category, authenticated, first, request)
  if (message !== undefined)
    throw new Failure(
      'forbidden',
      'A signature does not cover the path, so it cannot authenticate a request for a task. Send a token of the caller.',
    )
  if (method !== 'GET') authorizeWrite(caller)
  if (isCancel) return cancelResponse(category, caller, first, request)
  if (first === 'tasks' && second !== undefined) {
    const taskRequest = { category, caller, taskId: second, request }
    if (segments.length === 2) return statusResponse(taskRequest)
    if (segments.length === 3 && isTaskOperation(operation)) return changeResponse(operation, taskRequest)
  }
  throw new Failure(
    'unknown',
    `There is no resource at ${path.slice(0, 200)}. Call POST /v1/${category.name}/<action>.`,
  )
}

/** Returns the headers of a request, with the token in the body of an engine that cannot send headers. */
function withPollerToken({ headers, body, isBase64 }: WebhookRequest): WebhookRequest['headers'] {
  if (headers['authorization'] !== undefined || headers['x-token'] !== undefined || body === null) return headers
  try {
    const token = parsePollerBody(parseCallBody(body, isBase64, headers['content-type']))?.token
    return token === undefined ? headers : { ...headers, 'x-token': token }
  } catch (error) {
    // A body that is not valid contains no token.
    if (error instanceof Failure) return headers
    throw error
  }
}
