import '../../functions/aws.ts'
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach } from '@jest/globals'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { awsOperation, type Call, ok, type Reply, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { webhookHandler } from '../../../shared/core/webhook/handler.ts'
import type { WebhookResponse } from '../../../shared/http/response.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { startOnce } from '../../functions/helpers.ts'

/**
 * Starts a fake of AWS before the first test.
 *
 * @param secrets by their path below the prefix
 * @param answer responds to all requests that do not read a secret
 */
export function startAws(secrets: Record<string, unknown>, answer: (call: Call) => Reply): Served {
  const aws = startOnce(() =>
    serve((call) => {
      if (awsOperation(call) !== 'GetSecretValue') return answer(call)
      const path = (call.body as { SecretId: string }).SecretId.replace('cloud-automation-webhooks/', '')
      if (secrets[path] === undefined) return { status: 400, body: { __type: 'ResourceNotFoundException' } }
      return ok({ SecretString: JSON.stringify(secrets[path]) })
    }),
  )
  const saved = { ...process.env }
  beforeAll(() => {
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: aws.url,
      AWS_MAX_ATTEMPTS: '2',
      WEBHOOKS_TASK_FUNCTION: 'arn:aws:lambda:eu-west-1:0:function:task:live',
      WEBHOOKS_STATE_TABLE: 'table',
    })
  })
  afterAll(() => {
    process.env = saved
  })
  beforeEach(() => {
    aws.recover()
    aws.calls.length = 0
  })
  return aws
}

/** Returns an error as Lambda's REST protocol sends it. */
export function lambdaError(status: number, type: string, message = type): Reply {
  return { status, headers: { 'x-amzn-errortype': type }, body: { Type: 'User', message, Message: message } }
}

/** Returns the tokens of a caller, as the secret of the callers has them. */
export function tokensOf(token: string): string[] {
  return [`sha256:${createHash('sha256').update(token).digest('hex')}`]
}

/** Sends a request to the webhook of a category, and parses a JSON response. */
export async function request(
  category: Category,
  event: Partial<Omit<APIGatewayProxyEvent, 'requestContext'>> & { path: string; requestContext?: object },
  timeLeft: () => number = () => 20_000,
) {
  const given = {
    httpMethod: 'POST',
    headers: {},
    body: null,
    isBase64Encoded: false,
    ...event,
    requestContext: { domainName: 'd', path: `/v1${event.path}`, requestId: randomUUID(), ...event.requestContext },
  } as unknown as APIGatewayProxyEvent
  const context = { awsRequestId: 'r-1', getRemainingTimeInMillis: timeLeft } as unknown as Context
  const { statusCode, headers, body }: WebhookResponse = await webhookHandler(category)(given, context)
  return { statusCode, headers, json: headers['content-type']?.includes('json') ? JSON.parse(body) : undefined }
}
