import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { logCause } from '../core/log-cause.ts'
import { json, problemResponse } from '../core/webhook/responses.ts'
import { Failure, kindOf, messageOf } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import { clearSecrets } from '../redact.ts'
import { handshakeResponse } from './handshake.ts'
import { type ReceivedNotification, receiveAwsEvent, receiveRequest } from './receive.ts'

/** An event of AWS, as a rule of EventBridge sends it. */
type AwsEvent = Record<string, unknown>

/** Handles requests of API Gateway, and events of AWS. */
export interface EventsHandler {
  (event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse>
  (event: AwsEvent, context: Context): Promise<undefined>
}

/**
 * The handler of `POST /events/{source}`, of the handshake before it, and of the events of AWS that the rules of the stack send. Wakes the tasks that wait for the
 * end of a run, queues the alerts for which rules make calls, and answers when that is done. It can do nothing else. Of what a sender has
 * sent, it stores only the inputs of calls, and logs nothing.
 *
 * @example export const handler = eventsHandler()
 */
export function eventsHandler(): EventsHandler {
  function handle(event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse>
  function handle(event: AwsEvent, context: Context): Promise<undefined>
  async function handle(event: APIGatewayProxyEvent | AwsEvent, context: Context) {
    clearSecrets()
    log.resetKeys()
    return isRequest(event) ? respond(event, context) : handleAwsEvent(event)
  }
  return handle
}

function isRequest(event: APIGatewayProxyEvent | AwsEvent): event is APIGatewayProxyEvent {
  return 'httpMethod' in event
}

async function respond(event: APIGatewayProxyEvent, context: Context): Promise<WebhookResponse> {
  const startedAt = Date.now()
  const { awsRequestId: requestId } = context
  const line = (status: number) => ({ status, ms: Date.now() - startedAt, requestId })
  try {
    const handshake = handshakeResponse(event)
    if (handshake) {
      log.info('notification', { effect: 'none', ...line(handshake.statusCode) })
      return handshake
    }
    const received = await receiveRequest(event)
    log.info('notification', { effect: effectOf(received), ...line(200) })
    return json(200, received)
  } catch (error) {
    logCause(error)
    const response = problemResponse(error, requestId)
    const { statusCode: status } = response
    const effect = status >= 500 ? 'failed' : 'refused'
    log.info('notification', { effect, kind: kindOf(error), reason: messageOf(error), ...line(status) })
    return response
  }
}

function effectOf({ woken, calls = 0 }: ReceivedNotification): 'called' | 'woken' | 'none' {
  if (calls > 0) return 'called'
  return woken > 0 ? 'woken' : 'none'
}

/** Throws if a task was perhaps not woken, so that Lambda invokes the function again. */
async function handleAwsEvent(event: AwsEvent): Promise<undefined> {
  try {
    log.info('notification', { effect: effectOf(await receiveAwsEvent(event)) })
  } catch (error) {
    log.info('notification', { effect: 'failed', kind: kindOf(error), reason: messageOf(error) })
    // An event that cannot be read now cannot be read later.
    if (!(error instanceof Failure && error.kind === 'invalid')) throw error
  }
}
