import type { APIGatewayProxyEvent } from 'aws-lambda'
import { demo } from '../../infra/platforms/sandbox/demo.ts'

/** Returns a call as an API Gateway event. */
export function proxyEvent(
  action: string,
  query: Record<string, string>,
  body: unknown,
  category = 'issue-ticketing',
): APIGatewayProxyEvent {
  const path = `/${category}/${action}`
  const headers = {
    Accept: '*/*',
    Authorization: `Bearer ${demo.callerToken}`,
    'Content-Type': 'application/json',
    Host: 'api.invalid',
    'User-Agent': 'bench',
    'X-Forwarded-For': '192.0.2.1',
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
  }
  const multi = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]))
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: 'POST',
    headers,
    multiValueHeaders: multi(headers),
    queryStringParameters: query,
    multiValueQueryStringParameters: multi(query),
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      accountId: '000000000000',
      apiId: 'bench',
      authorizer: null,
      domainName: 'api.invalid',
      httpMethod: 'POST',
      identity: { sourceIp: '192.0.2.1' } as APIGatewayProxyEvent['requestContext']['identity'],
      path: `/v1${path}`,
      protocol: 'HTTP/1.1',
      requestId: '00000000-0000-0000-0000-000000000000',
      requestTimeEpoch: 0,
      resourceId: 'bench',
      resourcePath: '/{proxy+}',
      stage: 'v1',
    },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  }
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
  return {
    awsRequestId: crypto.randomUUID(),
    functionName: 'bench',
    functionVersion: '1',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:bench:1',
    memoryLimitInMB: '512',
    logGroupName: '/aws/lambda/bench',
    logStreamName: 'bench',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => end - Date.now(),
  }
}
