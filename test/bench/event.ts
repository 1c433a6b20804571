import type { IncomingMessage } from 'node:http'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { toProxyEvent } from '../../infra/local/cloud/gateway.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'

/** Returns a call as an API Gateway event. */
export function proxyEvent(
  action: string,
  query: Record<string, string>,
  body: unknown,
  { category = 'issue-ticketing', token = demo.callerToken }: { category?: string; token?: string | undefined } = {},
): APIGatewayProxyEvent {
  return eventOf('POST', `/v1/${category}/${action}?${new URLSearchParams(query)}`, JSON.stringify(body), token)
}

/** Returns a request for the status of a task. */
export function statusEvent(taskId: string): APIGatewayProxyEvent {
  return eventOf('GET', `/v1/issue-ticketing/tasks/${taskId}`, '')
}

/** Returns a request of an agent. */
export function agentEvent(method: string, params: object): APIGatewayProxyEvent {
  return eventOf('POST', '/v1/mcp', JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
}

function eventOf(method: string, url: string, body: string, token: string = demo.callerToken): APIGatewayProxyEvent {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const request = {
    method,
    url,
    httpVersion: '1.1',
    headers: { host: 'api.invalid' },
    rawHeaders: Object.entries(headers).flat(),
    socket: { remoteAddress: '192.0.2.1', localPort: 443 },
  } as unknown as IncomingMessage
  return toProxyEvent(request, Buffer.from(body), { resource: '/{proxy+}', stage: 'v1' })
}

/** Returns an event as Keptn's webhook-service sends it. A silent call without an id runs each time. */
export function keptnEvent(input: Record<string, unknown>, id?: string) {
  return {
    ...(id === undefined ? {} : { id }),
    type: 'sh.keptn.event.openticket.triggered',
    shkeptncontext: '00000000-0000-0000-0000-000000000000',
    data: { project: 'shop', stage: 'production', service: 'cart', labels: { team: 'checkout' } },
    input,
  }
}

export const openIssue = { title: 'Checkout is slow', description: 'p95 is at 4 s since 12:00', labels: ['incident'] }

/** The part of Lambda's context that the handler reads. */
export function lambdaContext() {
  const end = Date.now() + 28_000
  return { awsRequestId: crypto.randomUUID(), getRemainingTimeInMillis: () => end - Date.now() }
}
