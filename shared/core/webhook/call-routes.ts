import { audit, auditedCall } from '../../audit.ts'
import type { Authenticated } from '../../auth/authenticate.ts'
import { authorizeWrite, type Caller } from '../../auth/callers.ts'
import { invalidInput } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import { passed, verdictOf } from '../../outcome.ts'
import type { Category } from '../../providers/category.ts'
import { type Call, hasTask } from '../call.ts'
import { findRunOfTask } from '../find-run-of-task.ts'
import { runSilently } from '../silent/handler.ts'
import { acceptCall } from '../task/accept.ts'
import { VERIFICATION, verificationCall } from '../verification.ts'
import { isForwarded } from './forwarded.ts'
import type { CallRequest, SignedMessage } from './parse.ts'
import { rateRefusal, readCall } from './read-call.ts'
import { allowMethod, type WebhookRequest, withMonotonicTime } from './request.ts'
import { cancellation, json, outcomeResponse } from './responses.ts'
import type { VerifiedCall } from './signed-call.ts'

/** How a signed call runs. */
const SIGNED_QUERY = ['connection', 'deadline', 'sendStarted', 'progress', 'labels', 'mode', 'answer', 'hold']

/** Responds to `POST /{category}/{action}`. */
export async function callResponse(
  category: Category,
  { caller, message, messageId }: Authenticated,
  action: string,
  request: WebhookRequest,
): Promise<WebhookResponse> {
  allowMethod(request, 'POST')
  if (action === VERIFICATION) return verificationResponse(category, caller, request)
  const unsigned = { ...request, action, findRunOfTask }
  if (message === undefined) return respond(category, await readCall(category, caller, unsigned), request)
  const signed = { id: messageId, ...(await signedMessage(category, caller, message, unsigned)) }
  const headers = uncoveredHeaders(request.headers)
  return respond(category, await readCall(category, caller, { ...unsigned, headers, signed }), request)
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
  request: WebhookRequest,
): Promise<WebhookResponse> {
  allowMethod(request, 'POST')
  const { cancelCall } = await import('./cancel-call.ts')
  return cancellation(await cancelCall(category, caller, { ...request, action, findRunOfTask }), caller)
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

/** Verifies a request that an engine has signed, and whose body is its own. Returns undefined if it calls for no task. */
export async function verifySignedCall(
  category: Category,
  orchestrator: string,
  action: string,
  request: WebhookRequest,
): Promise<VerifiedCall | undefined> {
  allowMethod(request, 'POST')
  // Loaded when used: few engines sign their calls.
  const { readSignedCall } = await import('./signed-call.ts')
  return readSignedCall(category, orchestrator, action, request)
}

/** Responds to a request of an engine that calls for no task. */
export function ignoredResponse(): WebhookResponse {
  audit.add({ outcome: 'ignored' })
  return json(200, { message: 'The request is valid. It does not call for a task.' })
}

/** Responds to a verified request of an engine. */
export async function signedCallResponse(
  category: Category,
  { caller, callRequest, maxResponseMs }: VerifiedCall,
  request: WebhookRequest,
): Promise<WebhookResponse> {
  const call = await readCall(category, caller, { ...callRequest, findRunOfTask })
  const context = withMonotonicTime(request.context, maxResponseMs)
  return respond(category, call, { ...request, context })
}

/** Responds to a call that calls no platform. */
async function verificationResponse(
  category: Category,
  caller: Caller,
  request: WebhookRequest,
): Promise<WebhookResponse> {
  authorizeWrite(caller)
  const { mode = 'silent', key = request.context.awsRequestId } = request.lastValues
  if (mode !== 'silent' && mode !== 'interactive') throw invalidInput('mode', 'must be silent or interactive')
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw invalidInput('key', 'must be up to 200 characters without spaces')
  const refusal = await rateRefusal(caller, category.name)
  const call = { ...(await verificationCall(category.name, caller.name, mode, key)), refusal }
  return respond(category, call, request)
}

/** Carries a call out, or starts its task, and returns the response. */
async function respond(
  category: Category,
  call: Call,
  { categoryUrl, context }: Pick<WebhookRequest, 'categoryUrl' | 'context'>,
): Promise<WebhookResponse> {
  audit.add(auditedCall(call))
  log.appendKeys({
    caller: call.caller,
    action: call.action,
    connection: call.connection,
    provider: call.provider,
    mode: call.mode,
    mappedName: call.mappedName,
    eventId: call.event.id,
    context: call.event.context,
  })
  if (call.mode === 'silent') {
    const outcome = await runSilently(category, call, context)
    audit.add({ outcome: verdictOf(outcome) })
    log.appendKeys({ outcome: { status: outcome.status, result: outcome.result } })
    return outcomeResponse(outcome, hasTask(call) ? { 'x-task-id': String(outcome.data['id']) } : {})
  }
  const timeLeft = () => context.getRemainingTimeInMillis()
  // Loaded when used: other calls do not need it.
  if (call.gate) return (await import('./gate-response.ts')).askGate(call, call.gate, timeLeft)
  // The orchestrator itself sends started for each approval, and finished for those that the event decides.
  if (call.skip?.isAutomatic && !call.sendStarted && !call.dryRun) {
    if (call.refusal) throw call.refusal
    const { message, result } = call.skip
    const outcome = passed(
      `${message}. The orchestrator decides this approval itself: the approval was not requested, and no event is sent`,
    )
    audit.add({ outcome: result })
    return json(200, { ...outcome, result })
  }
  // Loaded when used: only agents need it. One that also calls without MCP has the same keys.
  if ((call.isOfAgent || isForwarded(context)) && !call.refusal)
    await (await import('./agent-key.ts')).requireUnusedKey(call)
  const { taskId, duplicate } = await acceptCall(call, timeLeft)
  audit.add({ taskId, outcome: duplicate ? 'duplicate' : 'accepted' })
  log.appendKeys({ taskId, duplicate })
  return json(202, { taskId, statusUrl: `${categoryUrl}/tasks/${taskId}`, duplicate })
}
