import { buildLine } from './curl-command.ts'
import { errored, type Json, type JsonObject, type KeptnEvent, replyTo, taskEvent } from './events.ts'
import { previewRequest } from './preview.ts'
import { receiveEvent } from './received-event.ts'
import { type Answer, CallFailedError } from './receiver.ts'
import type { GoObject } from './template/values.ts'
import type { Webhook } from './webhook-config.ts'

const source = 'webhook-service'

/** What webhook-service needs of its surroundings. */
export interface Surroundings {
  /** The secrets by the names that envFrom gives them. */
  secrets: Readonly<Record<string, string>>
  send(event: KeptnEvent): Promise<void>
  /** Makes the HTTP call of a curl command. */
  call(argv: string[], event: KeptnEvent): Promise<Answer>
}

/** Why a subscription stopped, and after how many requests. */
class ExecutionError extends Error {
  readonly executed: number

  constructor(message: string, executed: number) {
    super(message)
    this.executed = executed
  }
}

const isTriggered = (event: KeptnEvent): boolean => taskEvent(event.type)?.kind === 'triggered'

/**
 * The `.started` events of a subscription, before its first request: one if webhook-service sends the `.finished` too,
 * else one for each request; none where sendStarted is off or the event is no task's `.triggered` (protocol section 2).
 */
export async function announce(webhook: Webhook, event: KeptnEvent, { send }: Surroundings): Promise<void> {
  if (!webhook.sendStarted || !isTriggered(event)) return
  const times = webhook.sendFinished ? 1 : webhook.requests.length
  for (let sent = 0; sent < times; sent += 1) await send(replyTo(event, 'started', source))
}

/**
 * Runs a subscription's requests in turn, up to the first that fails. A `.triggered` is answered with `.finished`: with the
 * responses if sendFinished is on, errored for every request that was not made if it is off (protocol sections 1 and 2).
 * @returns why it failed, masked; undefined if every request was answered below 400
 */
export async function execute(webhook: Webhook, event: KeptnEvent, around: Surroundings): Promise<string | undefined> {
  try {
    const responses = await perform(webhook, event, around)
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

async function perform(webhook: Webhook, event: KeptnEvent, around: Surroundings): Promise<Json[]> {
  const env: Record<string, string> = {}
  for (const { name, secretName, secretKey } of webhook.envFrom) {
    const secret = around.secrets[name]
    if (secret === undefined) throw new ExecutionError(`could not read secret ${secretName}.${secretKey}`, 0)
    env[name] = secret
  }
  const received = receiveEvent(event as unknown as GoObject)
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
  let answer: Answer
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

/** The untemplated line, which shows no value and no secret. */
function showLine(request: Webhook['requests'][number]): string {
  try {
    return buildLine(request)
  } catch {
    return typeof request === 'string' ? request : request.url
  }
}

/** A response is kept as an object if it is a JSON object, else as a text. */
function asResponse(body: string): Json {
  try {
    const value: Json = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : body
  } catch {
    return body
  }
}

/** webhook-service replaces every secret that it knows in what it reports. */
export const mask = (text: string, secrets: Readonly<Record<string, string>>): string =>
  Object.values(secrets).reduce((masked, secret) => (secret === '' ? masked : masked.replaceAll(secret, '***')), text)
