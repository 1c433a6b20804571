import middy from '@middy/core'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { authenticate, authorize, type Caller } from '../../auth/callers.ts'
import { preloadIdentityKey } from '../../auth/identity-key.ts'
import { Failure, kindOf } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import { passed } from '../../outcome.ts'
import type { Category, RouteRequest } from '../../providers/category.ts'
import { clearSecrets } from '../../redact.ts'
import { runSilently } from '../silent/handler.ts'
import { startTask } from '../task/start.ts'
import { refuseLargeBody } from './body.ts'
import { parseCall } from './parse.ts'
import { json, outcomeResponse, problem } from './responses.ts'

/**
 * The webhook of a category: an API Gateway (REST) proxy handler for `POST /{category}/{action}` and
 * `GET /{category}/tasks/{taskId}`. A call is authenticated, read and checked; then a silent one is done and answered, and
 * an interactive one starts its task and is answered 202.
 *
 * Any answer >= 400 means that no event will ever be sent; 202 means that exactly one `finished` will.
 */
export function webhookHandler(category: Category) {
  return middy<APIGatewayProxyEvent, WebhookResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(requestLog(category))
    .use(problems())
    .use(httpHeaderNormalizer())
    .handler((event, context) => route(category, event, steady(context)))
}

async function route(category: Category, event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse> {
  const parts = partsOf(event.path, category.name).map(decodePart)
  const [first = '', second] = parts
  const door = category.routes && Object.hasOwn(category.routes, first) ? category.routes[first] : undefined
  if (door) return (await door())(category, doorRequest(event, parts.slice(1)))
  const isCall = parts.length === 1
  const [caller] = await Promise.all([authenticate(event.headers), isCall ? preloadIdentityKey() : undefined])
  if (first === 'tasks' && second !== undefined && parts.length === 2) {
    allow(event, 'GET')
    authorize(caller, category.name)
    return answerStatus(category, caller, second)
  }
  if (!isCall)
    throw new Failure(
      'unknown',
      `There is nothing at ${event.path.slice(0, 200)}: call POST /v1/${category.name}/<action>.`,
    )
  allow(event, 'POST')
  return answerCall(category, caller, first, event, context)
}

async function answerStatus(category: Category, caller: Caller, taskId: string): Promise<WebhookResponse> {
  // Loaded when used: a call does without.
  const { readTaskStatus, secondsToRetry } = await import('../task/status.ts')
  const status = await readTaskStatus(category.name, taskId, caller)
  const headers = status.state === 'running' ? { 'retry-after': String(secondsToRetry(status, Date.now())) } : undefined
  return json(200, status, headers)
}

async function answerCall(
  category: Category,
  caller: Caller,
  action: string,
  event: APIGatewayProxyEvent,
  context: Context,
): Promise<WebhookResponse> {
  const call = await parseCall(category, caller, {
    action,
    query: event.multiValueQueryStringParameters ?? {},
    body: event.body,
    isBase64: event.isBase64Encoded,
    contentType: event.headers['content-type'],
    address: addressOf(event, category.name),
  })
  log.appendKeys({
    caller: caller.name,
    action: call.request.action,
    connection: call.request.connection,
    provider: call.provider,
    mode: call.options.mode,
    ...(call.request.mappedName === undefined ? {} : { chosen: call.request.mappedName }),
    eventId: call.event.id,
    keptnContext: call.event.shkeptncontext,
  })
  if (call.options.mode === 'silent') {
    const outcome = await runSilently(category, call, context)
    log.appendKeys({ outcome: { status: outcome.status, result: outcome.result } })
    return outcomeResponse(outcome)
  }
  if (call.quiet && call.skip) {
    const { message, result } = call.skip
    const outcome = passed(
      `${message}. Keptn's approval-service decides this by itself: nobody was asked, and nothing is sent`,
    )
    return json(200, { ...outcome, result })
  }
  const { taskId, duplicate } = await startTask(category.name, call, () => context.getRemainingTimeInMillis())
  log.appendKeys({ taskId, duplicate })
  return json(202, { taskId, statusUrl: statusUrl(event, category.name, taskId), duplicate })
}

/**
 * The context with a time left that no step of the clock changes: Lambda's own counts by the clock of the machine, and what is
 * given up because of one may be done all the same.
 */
function steady(context: Context): Context {
  const until = performance.now() + context.getRemainingTimeInMillis()
  return { ...context, getRemainingTimeInMillis: () => Math.max(0, until - performance.now()) }
}

function statusUrl(event: APIGatewayProxyEvent, category: string, taskId: string): string {
  return `${addressOf(event, category)}/tasks/${taskId}`
}

/**
 * Where the category is, without a slash at the end. From what API Gateway says of itself: the caller's own Host header
 * could name any host.
 */
function addressOf(event: APIGatewayProxyEvent, category: string): string {
  const { domainName, path } = event.requestContext
  const { 'x-forwarded-proto': protocol = 'https', 'x-forwarded-port': port = '443' } = event.headers
  // The stage; behind a domain of one's own, what that has in its place.
  const [before = ''] = path.split(`/${category}/`)
  return new URL(`${before}/${category}`, `${protocol}://${domainName}:${port}`).href
}

function doorRequest(event: APIGatewayProxyEvent, rest: string[]): RouteRequest {
  const { httpMethod: method, headers, isBase64Encoded } = event
  const body = event.body ?? ''
  // Nobody has shown a token here.
  refuseLargeBody(body, isBase64Encoded)
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body
  return { method, rest, headers, body: text, now: Date.now() }
}

function allow(event: APIGatewayProxyEvent, method: string): void {
  if (event.httpMethod === method) return
  throw new Failure('method', `${event.httpMethod} is not allowed here: use ${method}.`, { headers: { allow: method } })
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new Failure('invalid', `The path holds "${part.slice(0, 60)}", which is not percent-encoded text.`, { cause })
  }
}

/** Whatever was thrown becomes the answer. */
function problems(): middy.MiddlewareObj<APIGatewayProxyEvent, WebhookResponse> {
  return {
    onError(request) {
      if (!(request.error instanceof Failure)) log.error('internal error', request.error as Error)
      log.appendKeys({ failure: kindOf(request.error) })
      request.response = problem(request.error, request.context.awsRequestId)
    },
  }
}

/** What follows the category in the path; before it there is what a domain of one's own has in place of the stage. */
function partsOf(path: string, category: string): string[] {
  const parts = path.split('/').filter(Boolean)
  return parts.slice(parts.indexOf(category) + 1)
}

/** What follows the name of a door may be a key: the link of an approval is one. */
function shownPath(path: string, { name: category, routes = {} }: Category): string {
  const [first = '', ...rest] = partsOf(path, category)
  // As it is read, however it is written.
  return Object.hasOwn(routes, decodeLoosely(first)) && rest.length > 0 ? `/${category}/${first}/***` : path
}

function decodeLoosely(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // It leads to no door.
    return part
  }
}

/** A page says why for people, and its door has logged it. */
function detailIn(answer: WebhookResponse | null | undefined): string | undefined {
  if (!answer?.headers['content-type']?.includes('json')) return undefined
  return (JSON.parse(answer.body) as { detail?: string }).detail
}

/** One line per request, without its body or headers. */
function requestLog(category: Category): middy.MiddlewareObj<APIGatewayProxyEvent, WebhookResponse> {
  let began = 0
  const line = (request: { event: APIGatewayProxyEvent; context: Context; response?: WebhookResponse | null }) => {
    const { statusCode } = request.response ?? {}
    log.info('request', {
      method: request.event.httpMethod,
      path: shownPath(request.event.path, category),
      status: statusCode,
      ms: Date.now() - began,
      requestId: request.context.awsRequestId,
      ...(statusCode !== undefined && statusCode >= 400 ? { detail: detailIn(request.response) } : {}),
    })
    log.resetKeys()
  }
  return {
    before() {
      // One environment works on one request at a time.
      began = Date.now()
      clearSecrets()
    },
    after: line,
    onError: line,
  }
}
