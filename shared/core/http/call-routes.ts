import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { audit } from '../../audit.ts'
import type { Authenticated } from '../../auth/authenticate.ts'
import { authorizeCategory, type Caller } from '../../auth/callers.ts'
import { invalidInput } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import type { Category } from '../../providers/category.ts'
import { VERIFICATION, verificationCall } from '../verification.ts'
import { withMonotonicTime } from './monotonic-time.ts'
import type { CallRequest, SignedMessage } from './parse.ts'
import { rateRefusal, readCall } from './read-call.ts'
import { allowMethod, categoryUrlOf, rawBodyOf } from './request.ts'
import { respond } from './respond.ts'
import { json } from './responses.ts'

/** How a signed call runs. */
const SIGNED_QUERY = ['connection', 'deadline', 'sendStarted', 'progress', 'labels', 'mode', 'answer', 'hold']

/** Responds to `POST /{category}/{action}`. */
export async function callResponse(
  category: Category,
  { caller, message }: Authenticated,
  action: string,
  event: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  allowMethod(event, 'POST')
  const query = event.multiValueQueryStringParameters ?? {}
  const signed = message === undefined ? undefined : await signedMessage(category, caller, message, { action, query })
  if (action === VERIFICATION) return verificationResponse(category, caller, event, context)
  const categoryUrl = categoryUrlOf(event, category.name)
  const call = await readCall(category, caller, {
    action,
    query,
    body: event.body,
    isBase64: event.isBase64Encoded,
    headers: signed ? { ...event.headers, 'callback-url': undefined } : event.headers,
    signed,
    categoryUrl,
  })
  return respond(category, call, categoryUrl, context)
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
  event: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  allowMethod(event, 'POST')
  // Loaded when used: few engines sign their calls.
  const { readSignedCall } = await import('./signed-call.ts')
  const signed = await readSignedCall(category, orchestrator, {
    action,
    query: event.multiValueQueryStringParameters ?? {},
    headers: event.headers,
    rawBody: () => rawBodyOf(event),
    categoryUrl: categoryUrlOf(event, category.name),
  })
  audit.add(signed ? { caller: signed.caller.name } : { outcome: 'ignored' })
  if (!signed) return json(200, { message: 'The request is valid. It does not call for a task.' })
  const { caller, request, maxResponseMs } = signed
  const call = await readCall(category, caller, request)
  return respond(category, call, request.categoryUrl, withMonotonicTime(context, maxResponseMs))
}

/** Responds to a call that calls no platform. */
async function verificationResponse(
  category: Category,
  caller: Caller,
  event: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  authorizeCategory(caller, category.name)
  const { mode = 'silent', key = context.awsRequestId } = event.queryStringParameters ?? {}
  if (mode !== 'silent' && mode !== 'interactive') throw invalidInput('mode', 'must be silent or interactive')
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw invalidInput('key', 'must be up to 200 characters without spaces')
  const refusal = await rateRefusal(caller, category.name)
  const call = { ...(await verificationCall(category.name, caller.name, mode, key)), refusal }
  return respond(category, call, categoryUrlOf(event, category.name), context)
}
