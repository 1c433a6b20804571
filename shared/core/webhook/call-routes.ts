import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { audit } from '../../audit.ts'
import type { Authenticated } from '../../auth/authenticate.ts'
import { authorizeCategory, authorizeWrite, type Caller } from '../../auth/callers.ts'
import { invalidInput } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import type { Category } from '../../providers/category.ts'
import { findRunOfTask } from '../find-run-of-task.ts'
import { VERIFICATION, verificationCall } from '../verification.ts'
import { withMonotonicTime } from './monotonic-time.ts'
import type { CallRequest, SignedMessage } from './parse.ts'
import { rateRefusal, readCall } from './read-call.ts'
import { allowMethod, categoryUrlOf, rawBodyOf } from './request.ts'
import { respond } from './respond.ts'
import { cancellation, json } from './responses.ts'

/** How a signed call runs. */
const SIGNED_QUERY = ['connection', 'deadline', 'sendStarted', 'progress', 'labels', 'mode', 'answer', 'hold']

/** Responds to `POST /{category}/{action}`. */
export async function callResponse(
  category: Category,
  { caller, message, messageId }: Authenticated,
  action: string,
  httpEvent: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  allowMethod(httpEvent, 'POST')
  if (action === VERIFICATION) return verificationResponse(category, caller, httpEvent, context)
  const { query, ...unsigned } = requestOf(category, action, httpEvent)
  const signed =
    message === undefined
      ? undefined
      : { id: messageId, ...(await signedMessage(category, caller, message, { action, query })) }
  const headers = signed ? uncoveredHeaders(unsigned.headers) : unsigned.headers
  const call = await readCall(category, caller, { ...unsigned, query, headers, signed })
  return respond(category, call, unsigned.categoryUrl, context)
}

/** Returns the headers that a signed call may have although its signature does not cover them: none of them changes what it does. */
function uncoveredHeaders({ 'content-type': type, traceparent }: CallRequest['headers']): CallRequest['headers'] {
  return { 'content-type': type, traceparent }
}

/** Responds to `POST /{category}/{action}/cancel`: the request of a call, which cancels its task. */
export async function cancelResponse(
  category: Category,
  caller: Caller,
  action: string,
  httpEvent: APIGatewayProxyEvent,
): Promise<WebhookResponse> {
  allowMethod(httpEvent, 'POST')
  const { cancelCall } = await import('./cancel-call.ts')
  return cancellation(await cancelCall(category, caller, requestOf(category, action, httpEvent)), caller)
}

function requestOf(category: Category, action: string, httpEvent: APIGatewayProxyEvent): CallRequest {
  return {
    action,
    query: httpEvent.multiValueQueryStringParameters ?? {},
    body: httpEvent.body,
    isBase64: httpEvent.isBase64Encoded,
    headers: httpEvent.headers,
    categoryUrl: categoryUrlOf(httpEvent, category.name),
    findRunOfTask,
  }
}

async function signedMessage(
  { name: category }: Category,
  { name: caller }: Caller,
  message: string,
  request: Pick<CallRequest, 'action' | 'query'>,
): Promise<SignedMessage> {
  // Loaded when used: few callers sign.
  const { refuseUnsignedQuery, replayRefusal } = await import('./signed-message.ts')
  refuseUnsignedQuery(request.query, SIGNED_QUERY)
  return { message, replayRefusal: () => replayRefusal(category, caller, message, request, { isEngine: false }) }
}

/** Responds to a request that an engine has signed, and whose body is its own. */
export async function signedCallResponse(
  category: Category,
  orchestrator: string,
  action: string,
  httpEvent: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  allowMethod(httpEvent, 'POST')
  // Loaded when used: few engines sign their calls.
  const { readSignedCall } = await import('./signed-call.ts')
  const signed = await readSignedCall(category, orchestrator, {
    action,
    query: httpEvent.multiValueQueryStringParameters ?? {},
    headers: httpEvent.headers,
    rawBody: () => rawBodyOf(httpEvent),
    categoryUrl: categoryUrlOf(httpEvent, category.name),
  })
  audit.add(signed ? { caller: signed.caller.name } : { outcome: 'ignored' })
  if (!signed) return json(200, { message: 'The request is valid. It does not call for a task.' })
  const { caller, request, maxResponseMs } = signed
  authorizeCategory(caller, category.name)
  const call = await readCall(category, caller, { ...request, findRunOfTask })
  return respond(category, call, request.categoryUrl, withMonotonicTime(context, maxResponseMs))
}

/** Responds to a call that calls no platform. */
async function verificationResponse(
  category: Category,
  caller: Caller,
  httpEvent: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  authorizeWrite(caller)
  const { mode = 'silent', key = context.awsRequestId } = httpEvent.queryStringParameters ?? {}
  if (mode !== 'silent' && mode !== 'interactive') throw invalidInput('mode', 'must be silent or interactive')
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw invalidInput('key', 'must be up to 200 characters without spaces')
  const refusal = await rateRefusal(caller, category.name)
  const call = { ...(await verificationCall(category.name, caller.name, mode, key)), refusal }
  return respond(category, call, categoryUrlOf(httpEvent, category.name), context)
}
