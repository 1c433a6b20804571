import type { APIGatewayProxyEvent } from 'aws-lambda'
import { json } from '../core/webhook/responses.ts'
import type { WebhookResponse } from '../http/response.ts'
import { declaredSources } from '../sources/declared.ts'

/**
 * Answers the request by which a sender of CloudEvents asks whether it may send events: each sender may ask, because its events need a
 * credential.
 *
 * @returns undefined for another request
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection
 */
export function handshakeResponse({
  httpMethod,
  pathParameters,
  headers,
}: APIGatewayProxyEvent): WebhookResponse | undefined {
  const name = pathParameters?.['source'] ?? ''
  const sources = declaredSources()
  const type = Object.hasOwn(sources, name) ? sources[name]?.type : undefined
  const has = (header: string) => Object.keys(headers).some((known) => known.toLowerCase() === header)
  if (httpMethod !== 'OPTIONS' || type !== 'cloudevents' || !has('webhook-request-origin')) return undefined
  const rate: Record<string, string> = has('webhook-request-rate') ? { 'webhook-allowed-rate': '*' } : {}
  return json(200, {}, { allow: 'POST', 'webhook-allowed-origin': '*', ...rate })
}
