import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { invokeFunction } from '../aws/lambda.ts'
import { Failure } from '../errors.ts'
import { log } from '../log.ts'
import { settings } from '../settings.ts'
import { traceparent } from '../traceparent.ts'
import { type Headers, headerOf } from './mirrored-headers.ts'
import type { JsonObject } from './server.ts'

/** A request to the webhook of a category. */
interface ForwardedRequest {
  category: string
  method: 'GET' | 'POST'
  /** Path segments after the category. */
  path: readonly string[]
  query?: Record<string, string | undefined>
  body?: JsonObject
}

export interface ForwardedResponse {
  status: number
  headers: Record<string, string | undefined>
  /** Parsed JSON. */
  body: JsonObject
}

/**
 * Sends a request to a webhook, and returns its response: with status 504 if there is none.
 *
 * @throws Failure `forbidden`: the token lacks a scope
 */
export type Forward = (request: ForwardedRequest) => Promise<ForwardedResponse>

/** The credentials of the caller. A signature would cover the body of the first request only. */
export const CREDENTIAL_HEADERS = ['authorization', 'x-token'] as const
/** Headers of API Gateway, from which the webhook builds its URLs. */
const GATEWAY_HEADERS = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port'] as const
/** Left of Lambda's time for the response. */
const RESPONSE_MS = 1_500

/**
 * Returns a function that forwards requests with the credentials and the request context of the first one: the webhook
 * authenticates the caller itself, and its policy, limits and audit apply.
 */
export function forwardFor(httpEvent: APIGatewayProxyEvent, headers: Headers, context: Context): Forward {
  const passed = [...CREDENTIAL_HEADERS, ...GATEWAY_HEADERS].flatMap((name): [string, string][] => {
    const value = headerOf(headers, name)
    return value === undefined ? [] : [[name, value]]
  })
  return async ({ category, method, path, query = {}, body }) => {
    const target = `/${[category, ...path].map(encodeURIComponent).join('/')}`
    const sent = Object.fromEntries([
      ...passed,
      ['content-type', 'application/json'],
      ...(traceparent() === undefined ? [] : [['traceparent', traceparent()]]),
    ])
    const parameters = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
    const event = {
      resource: '/{proxy+}',
      path: target,
      httpMethod: method,
      headers: sent,
      multiValueHeaders: Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, [value]])),
      queryStringParameters: Object.fromEntries(parameters),
      multiValueQueryStringParameters: Object.fromEntries(parameters.map(([name, value]) => [name, [value]])),
      pathParameters: null,
      stageVariables: null,
      requestContext: {
        ...httpEvent.requestContext,
        httpMethod: method,
        path: httpEvent.requestContext.path.replace(/\/mcp\/?$/, target),
      },
      body: body === undefined ? null : JSON.stringify(body),
      isBase64Encoded: false,
    }
    const timeoutMs = context.getRemainingTimeInMillis() - RESPONSE_MS
    const response = await invokeFunction(settings.webhookFunctions[category] ?? '', event, timeoutMs)
      .then(responseOf)
      .catch((error: Error) => {
        log.warn('forwarded request without a response', error)
        return NO_RESPONSE
      })
    const { 'www-authenticate': challenge } = response.headers
    // The client gets another token, which a model cannot.
    if (response.status === 403 && challenge !== undefined)
      throw new Failure('forbidden', String(response.body['detail']), { headers: { 'www-authenticate': challenge } })
    return response
  }
}

const NO_RESPONSE: ForwardedResponse = {
  status: 504,
  headers: {},
  body: { title: 'No response', detail: 'The webhook did not respond. It may have handled the request.' },
}

function responseOf({ statusCode, headers, body }: JsonObject): ForwardedResponse {
  if (typeof statusCode !== 'number' || typeof body !== 'string') throw new Error('The webhook returned no response.')
  return { status: statusCode, headers: headers as ForwardedResponse['headers'], body: JSON.parse(body) }
}
