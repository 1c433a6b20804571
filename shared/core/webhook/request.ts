import type { APIGatewayProxyEvent } from 'aws-lambda'
import { Failure } from '../../errors.ts'
import type { RouteRequest } from '../../providers/category.ts'
import { refuseLargeBody } from './body.ts'

/** Returns the path segments after the category. Before it is the stage, or the base path of a custom domain. */
export function segmentsOf(path: string, category: string): string[] {
  const segments = path.split('/').filter(Boolean)
  return segments.slice(segments.indexOf(category) + 1)
}

export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new Failure('invalid', `The path contains "${segment.slice(0, 60)}", which is not percent-encoded.`, {
      cause,
    })
  }
}

export function allowMethod(httpEvent: APIGatewayProxyEvent, method: string): void {
  if (httpEvent.httpMethod === method) return
  throw new Failure('method', `${httpEvent.httpMethod} is not allowed here. Use ${method}.`, {
    headers: { allow: method },
  })
}

/** Adds the header names of Standard Webhooks to a request that has those of Svix: the scheme is the same. */
export function withStandardNames(headers: APIGatewayProxyEvent['headers']): APIGatewayProxyEvent['headers'] {
  const { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': signature } = headers
  if (signature === undefined) return headers
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature, ...headers }
}

export function rawBodyOf({ body, isBase64Encoded }: APIGatewayProxyEvent): Buffer {
  return Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')
}

/**
 * Returns the URL of the category, without a slash at the end. Built from API Gateway's own data, because the caller's Host
 * header could name any host.
 */
export function categoryUrlOf(httpEvent: APIGatewayProxyEvent, category: string): string {
  const { domainName, path } = httpEvent.requestContext
  const { 'x-forwarded-proto': protocol = 'https', 'x-forwarded-port': port = '443' } = httpEvent.headers
  // The stage, or the base path of a custom domain.
  const [prefix = ''] = path.split(`/${category}/`)
  return new URL(`${prefix}/${category}`, `${protocol}://${domainName}:${port}`).href
}

export function routeRequest(httpEvent: APIGatewayProxyEvent, category: string, rest: string[]): RouteRequest {
  const { httpMethod: method, headers, isBase64Encoded, queryStringParameters: query } = httpEvent
  const body = httpEvent.body ?? ''
  // The sender is not authenticated yet.
  refuseLargeBody(body, isBase64Encoded)
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body
  const categoryUrl = categoryUrlOf(httpEvent, category)
  return { method, rest, query: query ?? {}, categoryUrl, headers, body: text, now: Date.now() }
}
