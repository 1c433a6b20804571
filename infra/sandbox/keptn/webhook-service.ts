import { buildLine } from './curl-command.ts'
import { errored, type Json, type JsonObject, type KeptnEvent, replyTo, taskEvent } from './events.ts'
import { previewRequest } from './preview.ts'
import { receiveEvent } from './received-event.ts'
import { CallFailedError, type ReceiverResponse } from './receiver.ts'
import type { Webhook } from './webhook-config.ts'

const source = 'webhook-service'

/** Dependencies of the simulated webhook-service. */
export interface Surroundings {
  /** Secrets by their names in envFrom. */
  secrets: Readonly<Record<string, string>>
  send(event: KeptnEvent): Promise<void>
  /** Sends the HTTP request of a curl command. */
  call(argv: string[], event: KeptnEvent): Promise<ReceiverResponse>
}

/** A request of a subscription failed. Contains the number of completed requests. */
class ExecutionError extends Error {
  readonly executed: number

  constructor(message: string, executed: number) {
    super(message)
    this.executed = executed
  }
}

const isTriggered = (event: KeptnEvent): boolean => taskEvent(event.type)?.kind === 'triggered'

/**
 * Sends the `.started` events of a subscription before its first request: one event if webhook-service also sends the
 * `.finished` event, otherwise one for each request. Sends none if sendStarted is off or the event is not a `.triggered` event.
 */
export async function announce(webhook: Webhook, event: KeptnEvent, { send }: Surroundings): Promise<void> {
  if (!webhook.sendStarted || !isTriggered(event)) return
  const times = webhook.sendFinished ? 1 : webhook.requests.length
  for (let sent = 0; sent < times; sent += 1) await send(replyTo(event, 'started', source))
}

/**
 * Runs the requests of a subscription in order until one fails. For a `.triggered` event, sends `.finished` events: one with the
 * responses if sendFinished is on; otherwise an errored one for each request that was not sent.
 *
 * @returns the masked reason of the failure; undefined if all requests succeeded
 */
export async function execute(webhook: Webhook, event: KeptnEvent, around: Surroundings): Promise<string | undefined> {
  try {
    const responses = await sendRequests(webhook, event, around)
    if (webhook.sendFinished && isTriggered(event)) {
      const task = taskEvent(event.type)?.task ?? ''
      const data: JsonObject = { status: 'succeeded', result: 'pass', [task]: { responses } }
      await around.send(replyTo(event, 'finished', source, data))
    }
    return undefined
  } catch (error) {
    if (!(error instanceof ExecutionError)) throw error
    const message = mask(error.message, around.secrets)
    const times = webhook.sendFinished ? 1 : webhook.requests.length - error.executed
    if (!isTriggered(event)) return message
    for (let sent = 0; sent < times; sent += 1) await around.send(replyTo(event, 'finished', source, errored(message)))
    return message
  }
}

async function sendRequests(webhook: Webhook, event: KeptnEvent, around: Surroundings): Promise<Json[]> {
  const env: Record<string, string> = {}
  for (const { name, secretName, secretKey } of webhook.envFrom) {
    const secret = around.secrets[name]
    if (secret === undefined) throw new ExecutionError(`could not read secret ${secretName}.${secretKey}`, 0)
    env[name] = secret
  }
  const received = receiveEvent({ ...event })
  const responses: Json[] = []
  for (const request of webhook.requests) {
    const shown = showLine(request)
    const made = previewRequest(request, received, env)
    if ('refused' in made) {
      const reason = made.refused.replace(/^template: (?=template: )/, '')
      throw new ExecutionError(`could not execute request '${shown}': ${reason}`, responses.length)
    }
    responses.push(asResponse(await call(made.argv, event, around, shown, responses.length)))
  }
  return responses
}

async function call(
  argv: string[],
  event: KeptnEvent,
  around: Surroundings,
  shown: string,
  executed: number,
): Promise<string> {
  let answer: ReceiverResponse
  try {
    answer = await around.call(argv, event)
  } catch (error) {
    if (!(error instanceof CallFailedError)) throw error
    throw new ExecutionError(
      `could not execute request '${shown}': error during curl request execution: ${error.message}`,
      executed,
    )
  }
  if (answer.status < 400) return answer.body
  const failed = `error during curl request execution: HTTP ${answer.status}.\nResponse: \n${answer.body}`
  throw new ExecutionError(`could not execute request '${shown}': ${failed}`, executed)
}

/** Returns the line before rendering, which contains no values and no secrets. */
function showLine(request: Webhook['requests'][number]): string {
  try {
    return buildLine(request)
  } catch {
    return typeof request === 'string' ? request : request.url
  }
}

/** Returns a response as an object if it is a JSON object, else as text. */
function asResponse(body: string): Json {
  try {
    const value: Json = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : body
  } catch {
    return body
  }
}

/** Masks all known secrets, as webhook-service does in its messages. */
export const mask = (text: string, secrets: Readonly<Record<string, string>>): string =>
  Object.values(secrets).reduce((masked, secret) => (secret === '' ? masked : masked.replaceAll(secret, '***')), text)
