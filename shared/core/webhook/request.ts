import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import type { UnverifiedRequest } from '../../auth/caller-signatures.ts'
import { Failure } from '../../errors.ts'
import type { RouteRequest } from '../../providers/category.ts'
import { refuseLargeBody } from './body.ts'

/** A request to the webhook of a category, which is read once from the event of API Gateway. */
export interface WebhookRequest extends UnverifiedRequest {
  method: string
  path: string
  /** The decoded segments of the path after the category. */
  segments: string[]
  /** Each name with all its values. */
  query: Record<string, string[] | undefined>
  /** Each name of the query with its last value. */
  lastValues: Record<string, string | undefined>
  /** The text, or base64 of the bytes if `isBase64`. */
  body: string | null
  isBase64: boolean
  rawBody(): Buffer
  /** The URL of the category, without a slash at the end. */
  readonly categoryUrl: string
  /** The address of the sender. Undefined if the hook of a deployment invokes the function without API Gateway. */
  address: string | undefined
  /** With a remaining time that is independent of clock changes. */
  context: Context
}

/** @throws Failure `invalid` */
export function readRequest(httpEvent: APIGatewayProxyEvent, category: string, context: Context): WebhookRequest {
  const { httpMethod: method, path, body, isBase64Encoded: isBase64, requestContext } = httpEvent
  return {
    method,
    path,
    segments: segmentsOf(path, category).map(decodeSegment),
    query: httpEvent.multiValueQueryStringParameters ?? {},
    lastValues: httpEvent.queryStringParameters ?? {},
    headers: withStandardNames(httpEvent.headers),
    body,
    isBase64,
    rawBody: () => Buffer.from(body ?? '', isBase64 ? 'base64' : 'utf8'),
    get categoryUrl() {
      return categoryUrlOf(httpEvent, category)
    },
    address: requestContext.identity?.sourceIp,
    context: withMonotonicTime(context),
  }
}

/** Returns the path segments after the category. Before it is the stage, or the base path of a custom domain. */
export function segmentsOf(path: string, category: string): string[] {
  const segments = path.split('/').filter(Boolean)
  return segments.slice(segments.indexOf(category) + 1)
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

/** Adds the header names of Standard Webhooks to a request that has those of Svix: the scheme is the same. */
function withStandardNames(headers: WebhookRequest['headers']): WebhookRequest['headers'] {
  const { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': signature } = headers
  if (signature === undefined) return headers
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature, ...headers }
}

/** Built from API Gateway's own data, because the caller's Host header could name any host. */
function categoryUrlOf({ requestContext, headers }: APIGatewayProxyEvent, category: string): string {
  const { domainName, path } = requestContext
  const { 'x-forwarded-proto': protocol = 'https', 'x-forwarded-port': port = '443' } = headers
  // The stage, or the base path of a custom domain.
  const [prefix = ''] = path.split(`/${category}/`)
  return new URL(`${prefix}/${category}`, `${protocol}://${domainName}:${port}`).href
}

/**
 * Returns the context with a remaining time that is independent of clock changes. Lambda computes it from the system clock,
 * and a call that is given up because of a clock change may still succeed.
 */
export function withMonotonicTime(context: Context, maxMs = Number.POSITIVE_INFINITY): Context {
  const until = performance.now() + Math.min(maxMs, context.getRemainingTimeInMillis())
  return { ...context, getRemainingTimeInMillis: () => Math.max(0, until - performance.now()) }
}

/** @throws Failure `method` */
export function allowMethod({ method }: WebhookRequest, allowed: string): void {
  if (method === allowed) return
  throw new Failure('method', `${method} is not allowed here. Use ${allowed}.`, { headers: { allow: allowed } })
}

/**
 * Returns the request to a public route.
 *
 * @throws Failure `large`: the sender is not authenticated yet
 */
export function routeRequestOf(request: WebhookRequest): RouteRequest {
  const { method, segments, lastValues: query, categoryUrl, headers, isBase64, rawBody } = request
  const text = request.body ?? ''
  refuseLargeBody(text, isBase64)
  const body = isBase64 ? rawBody().toString('utf8') : text
  return { method, rest: segments.slice(1), query, categoryUrl, headers, body, now: Date.now() }
}
