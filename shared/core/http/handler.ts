import middy from '@middy/core'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { audit, auditedCall } from '../../audit.ts'
import { authenticate } from '../../auth/authenticate.ts'
import { authorizeCategory, type Caller } from '../../auth/callers.ts'
import { Failure, invalidInput, kindOf } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import { parsePollerBody } from '../../orchestrators/index.ts'
import { passed, verdictOf } from '../../outcome.ts'
import type { Category, RouteRequest } from '../../providers/category.ts'
import { clearSecrets } from '../../redact.ts'
import { setTraceparent } from '../../traceparent.ts'
import type { Call } from '../call.ts'
import { type DirectResult, handleDirectCall } from '../direct/handler.ts'
import type { DirectCall } from '../direct/read-direct-call.ts'
import { runSilently } from '../silent/handler.ts'
import { startTask } from '../task/start.ts'
import { VERIFICATION, verificationCall } from '../verification.ts'
import { parseBody, refuseLargeBody } from './body.ts'
import type { CallRequest } from './parse.ts'
import { preload } from './preload.ts'
import { limitRate, readCall } from './read-call.ts'
import { json, outcomeResponse, problem } from './responses.ts'

/**
 * The webhook of a category: an API Gateway (REST) proxy handler for `POST /{category}/{action}`,
 * `GET /{category}/tasks/{taskId}` and `POST /{category}/tasks/{taskId}/{cancel|answer|rerun}`. Authenticates and checks a call, then runs a silent call and returns its outcome, or
 * starts the task of an interactive call and returns 202.
 *
 * Any status >= 400 means that no event will ever be sent. 202 means that exactly one `finished` event will be sent.
 */
export function webhookHandler(category: Category): WebhookHandler {
  const handleRequest = httpHandler(category)
  function handle(event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse>
  function handle(event: DirectCall, context: Context): Promise<DirectResult>
  async function handle(event: APIGatewayProxyEvent | DirectCall, context: Context) {
    if (isRequest(event)) return handleRequest(event, context)
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

async function route(category: Category, event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse> {
  const segments = segmentsOf(event.path, category.name).map(decodeSegment)
  const [first = '', second] = segments
  const publicRoute = category.routes && Object.hasOwn(category.routes, first) ? category.routes[first] : undefined
  if (publicRoute) return (await publicRoute())(category, routeRequest(event, segments.slice(1)))
  const [, , third] = segments
  const isCall = segments.length === 1
  if (isCall) audit.add({ operation: 'call', action: first })
  const [orchestrator] = event.multiValueQueryStringParameters?.['orchestrator'] ?? []
  if (isCall && orchestrator !== undefined) return signedCallResponse(category, orchestrator, first, event, context)
  const headers = isCall ? withPollerToken(event) : event.headers
  const caller = await authenticate({ headers, rawBody: () => rawBodyOf(event) })
  audit.add({ caller: caller.name })
  if (first === 'tasks' && second !== undefined && segments.length === 2) {
    allowMethod(event, 'GET')
    authorizeCategory(caller, category.name)
    return statusResponse(category, caller, second, waitOf(event, context))
  }
  if (first === 'tasks' && second !== undefined && third === 'cancel' && segments.length === 3) {
    allowMethod(event, 'POST')
    audit.add({ operation: 'cancel', taskId: second })
    authorizeCategory(caller, category.name)
    return cancelResponse(category, caller, second)
  }
  if (first === 'tasks' && second !== undefined && third === 'answer' && segments.length === 3) {
    allowMethod(event, 'POST')
    audit.add({ operation: 'answer', taskId: second, outcome: 'accepted' })
    authorizeCategory(caller, category.name)
    const { answerAgain } = await import('../task/answer-again.ts')
    return json(202, await answerAgain(category.name, second, caller))
  }
  if (first === 'tasks' && second !== undefined && third === 'rerun' && segments.length === 3) {
    allowMethod(event, 'POST')
    audit.add({ operation: 'rerun', taskId: second })
    authorizeCategory(caller, category.name)
    return rerunResponse(category, caller, second, event, context)
  }
  if (!isCall)
    throw new Failure(
      'unknown',
      `There is no resource at ${event.path.slice(0, 200)}. Call POST /v1/${category.name}/<action>.`,
    )
  allowMethod(event, 'POST')
  if (first === VERIFICATION) {
    authorizeCategory(caller, category.name)
    return verificationResponse(category, caller, event, context)
  }
  const request = {
    action: first,
    query: event.multiValueQueryStringParameters ?? {},
    body: event.body,
    isBase64: event.isBase64Encoded,
    headers: event.headers,
    categoryUrl: categoryUrlOf(event, category.name),
  }
  return callResponse(category, caller, request, context)
}

/** Responds to a request that an engine has signed, and whose body is its own. */
async function signedCallResponse(
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
  return callResponse(category, signed.caller, signed.request, withMonotonicTime(context, signed.maxResponseMs))
}

function rawBodyOf({ body, isBase64Encoded }: APIGatewayProxyEvent): Buffer {
  return Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')
}

/** Adds the token in the body of an engine that cannot send headers. */
function withPollerToken({ headers, body, isBase64Encoded }: APIGatewayProxyEvent): APIGatewayProxyEvent['headers'] {
  if (headers['authorization'] !== undefined || headers['x-token'] !== undefined || body === null) return headers
  try {
    const token = parsePollerBody(parseBody(body, isBase64Encoded, headers['content-type']))?.token
    return token === undefined ? headers : { ...headers, 'x-token': token }
  } catch (error) {
    // A body that is not valid contains no token.
    if (error instanceof Failure) return headers
    throw error
  }
}

async function statusResponse(
  category: Category,
  caller: Caller,
  taskId: string,
  waitMs: number,
): Promise<WebhookResponse> {
  // Loaded when used: calls do not need it.
  const { readTaskStatus, secondsToRetry } = await import('../task/status.ts')
  const status = await readTaskStatus(category.name, taskId, caller, waitMs)
  const headers = status.state === 'running' ? { 'retry-after': String(secondsToRetry(status, Date.now())) } : undefined
  return json(200, status, headers)
}

async function cancelResponse(category: Category, caller: Caller, taskId: string): Promise<WebhookResponse> {
  const { cancelTask } = await import('../task/cancel.ts')
  const status = await cancelTask(category, taskId, caller)
  audit.add({ action: status.action, outcome: status.state === 'running' ? 'accepted' : status.verdict })
  if (status.state === 'running') log.info('task canceled', { taskId, caller: caller.name })
  return json(status.state === 'running' ? 202 : 200, status)
}

async function rerunResponse(
  category: Category,
  caller: Caller,
  taskId: string,
  event: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  await limitRate(caller, category.name)
  const { rerunTask } = await import('../task/rerun.ts')
  const rerun = await rerunTask(category.name, taskId, caller, (task) =>
    startTask(task, () => context.getRemainingTimeInMillis()),
  )
  audit.add({ outcome: rerun.duplicate ? 'duplicate' : 'accepted' })
  return json(202, { ...rerun, statusUrl: `${categoryUrlOf(event, category.name)}/tasks/${rerun.taskId}` })
}

/** Left of Lambda's time for the response. */
const RESPONSE_MS = 2_000
/** API Gateway times out after 29 s. */
const MAX_WAIT_SECONDS = 25

/** Returns how long a status request waits for the end of the task, in milliseconds. */
function waitOf({ queryStringParameters }: APIGatewayProxyEvent, context: Context): number {
  const { wait = '0' } = queryStringParameters ?? {}
  const seconds = /^\d{1,2}$/.test(wait) ? Number(wait) : Number.NaN
  if (!(seconds <= MAX_WAIT_SECONDS)) throw invalidInput('wait', `must be between 0 and ${MAX_WAIT_SECONDS} seconds`)
  return Math.min(seconds * 1_000, context.getRemainingTimeInMillis() - RESPONSE_MS)
}

/** Responds to a call that calls no platform. */
async function verificationResponse(
  category: Category,
  caller: Caller,
  event: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  const { mode = 'silent', key = context.awsRequestId } = event.queryStringParameters ?? {}
  if (mode !== 'silent' && mode !== 'interactive') throw invalidInput('mode', 'must be silent or interactive')
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw invalidInput('key', 'must be up to 200 characters without spaces')
  await limitRate(caller, category.name)
  const call = await verificationCall(category.name, caller.name, mode, key)
  return respond(category, call, categoryUrlOf(event, category.name), context)
}

async function callResponse(
  category: Category,
  caller: Caller,
  request: CallRequest,
  context: Context,
): Promise<WebhookResponse> {
  return respond(category, await readCall(category, caller, request), request.categoryUrl, context)
}

async function respond(
  category: Category,
  call: Call,
  categoryUrl: string,
  context: Context,
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
    return outcomeResponse(outcome)
  }
  // The orchestrator itself sends started for each approval, and finished for those that the event decides.
  if (call.skip?.isAutomatic && !call.sendStarted && !call.dryRun && !call.gate) {
    const { message, result } = call.skip
    const outcome = passed(
      `${message}. The orchestrator decides this approval itself: the approval was not requested, and no event is sent`,
    )
    audit.add({ outcome: result })
    return json(200, { ...outcome, result })
  }
  if (call.gate) {
    // Loaded when used: other calls do not need it.
    const [{ runGate }, { gateResponse }] = await Promise.all([import('../task/gate.ts'), import('./gate.ts')])
    const status = await runGate(call, call.gate, (one) => startTask(one, () => context.getRemainingTimeInMillis()))
    audit.add({ taskId: status.taskId, outcome: status.verdict })
    log.appendKeys({ taskId: status.taskId, verdict: status.verdict })
    return gateResponse(status, call.gate)
  }
  const { taskId, duplicate } = await startTask(call, () => context.getRemainingTimeInMillis())
  audit.add({ taskId, outcome: duplicate ? 'duplicate' : 'accepted' })
  log.appendKeys({ taskId, duplicate })
  return json(202, { taskId, statusUrl: `${categoryUrl}/tasks/${taskId}`, duplicate })
}

/**
 * Returns the context with a remaining time that is independent of clock changes. Lambda computes it from the system clock,
 * and a call that is given up because of a clock change may still succeed.
 */
function withMonotonicTime(context: Context, maxMs = Number.POSITIVE_INFINITY): Context {
  const until = performance.now() + Math.min(maxMs, context.getRemainingTimeInMillis())
  return { ...context, getRemainingTimeInMillis: () => Math.max(0, until - performance.now()) }
}

/**
 * Returns the URL of the category, without a slash at the end. Built from API Gateway's own data, because the caller's Host
 * header could name any host.
 */
function categoryUrlOf(event: APIGatewayProxyEvent, category: string): string {
  const { domainName, path } = event.requestContext
  const { 'x-forwarded-proto': protocol = 'https', 'x-forwarded-port': port = '443' } = event.headers
  // The stage, or the base path of a custom domain.
  const [prefix = ''] = path.split(`/${category}/`)
  return new URL(`${prefix}/${category}`, `${protocol}://${domainName}:${port}`).href
}

function routeRequest(event: APIGatewayProxyEvent, rest: string[]): RouteRequest {
  const { httpMethod: method, headers, isBase64Encoded } = event
  const body = event.body ?? ''
  // The sender is not authenticated yet.
  refuseLargeBody(body, isBase64Encoded)
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body
  return { method, rest, headers, body: text, now: Date.now() }
}

function allowMethod(event: APIGatewayProxyEvent, method: string): void {
  if (event.httpMethod === method) return
  throw new Failure('method', `${event.httpMethod} is not allowed here. Use ${method}.`, { headers: { allow: method } })
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new Failure('invalid', `The path contains "${segment.slice(0, 60)}", which is not percent-encoded.`, {
      cause,
    })
  }
}

/** Turns an error into a problem response. */
function problems(): middy.MiddlewareObj<APIGatewayProxyEvent, WebhookResponse> {
  return {
    onError(request) {
      if (!(request.error instanceof Failure)) log.error('internal error', request.error as Error)
      log.appendKeys({ kind: kindOf(request.error) })
      request.response = problem(request.error, request.context.awsRequestId)
    },
  }
}

/** Returns the path segments after the category. Before it is the stage, or the base path of a custom domain. */
function segmentsOf(path: string, category: string): string[] {
  const segments = path.split('/').filter(Boolean)
  return segments.slice(segments.indexOf(category) + 1)
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

/** Logs one line per request, without its body and headers. */
function requestLog(category: Category): middy.MiddlewareObj<APIGatewayProxyEvent, WebhookResponse> {
  let startedAt = 0
  const line = (request: middy.Request<APIGatewayProxyEvent, WebhookResponse, Error, Context>) => {
    const { statusCode } = request.response ?? {}
    log.info('request', {
      method: request.event.httpMethod,
      path: maskPath(request.event.path, category),
      status: statusCode,
      ms: Date.now() - startedAt,
      requestId: request.context.awsRequestId,
      reason: statusCode !== undefined && statusCode >= 400 ? reasonIn(request.response) : undefined,
    })
    audit.write(Date.now() - startedAt, request.error ?? undefined)
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
