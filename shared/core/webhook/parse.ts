import { overlay } from '../../dotted-keys.ts'
import { Failure, invalidInput } from '../../errors.ts'
import { type CallEvent, parseEvent } from '../../orchestrators/event/event.ts'
import { type PollerRequest, parsePollerBody } from '../../orchestrators/index.ts'
import { actionNames, actionNamesOf, type Category } from '../../providers/category.ts'
import { isRecord } from '../../record.ts'
import { setTraceparent, traceparent } from '../../traceparent.ts'
import type { FindRunOfTask } from '../find-run-of-task.ts'
import { maxDeadlineOf } from '../max-deadlines.ts'
import { parseCallBody } from './body.ts'
import { type CallOptions, invalidQuery, parseQuery, QUERY_ONLY } from './call-options.ts'
import type { WebhookRequest } from './request.ts'

/** A request to run an action. */
export interface CallRequest extends Pick<WebhookRequest, 'query' | 'body' | 'isBase64' | 'headers' | 'categoryUrl'> {
  action: string
  /** The address for the answer, if the engine has signed the call. */
  replyTo?: string | undefined
  /** Set if the caller or its engine has signed the call. */
  signed?: SignedMessage | undefined
  /** Undefined if tasks cannot be read here. */
  findRunOfTask?: FindRunOfTask | undefined
}

/** A message whose signature covers the body of the request. */
export interface SignedMessage {
  /** Identifies the message. */
  message: string
  /** The id that the sender has given it. Undefined if the signature covers none. */
  id?: string | undefined
  /** Returns why the message may start nothing: it was used for another call, or long ago. */
  replayRefusal(): Promise<Failure | undefined>
}

/** The content of a request, before its names are resolved. */
export interface ParsedCall extends Pick<CallRequest, 'headers' | 'replyTo' | 'categoryUrl' | 'findRunOfTask'> {
  /** The name in the URL: an action or the action mapping of the category. */
  requestedAction: string
  options: CallOptions
  body: Record<string, unknown>
  /** The request cancels the task of the call. */
  isCancel?: true
  event: CallEvent
  traceparent: string | undefined
}

/**
 * Parses a request.
 *
 * @throws Failure `unknown`, `invalid`, `large`, `media`
 */
export async function parse(category: Category, request: CallRequest): Promise<ParsedCall> {
  const { action: requestedAction, headers, categoryUrl } = request
  const known = actionNames(category)
  if (!actionNamesOf(category, requestedAction).some((name) => known.includes(name))) {
    // Loaded when used: it does not slow the cold start.
    const { unknownAction } = await import('../../unknown-action.ts')
    throw new Failure('unknown', unknownAction(requestedAction, known))
  }
  const sent = parseCallBody(request.body, request.isBase64, headers['content-type'])
  const poller = parsePollerBody(sent)
  const { options, body: fromQuery } = parseQuery(request.query, maxDeadlineOf(category), poller && 'status')
  if (poller) refuseEarlySuccess(options, request.query, category.actions[requestedAction])
  refuseAlerts(sent, options.key)
  const received = overlay(poller?.body ?? sent, fromQuery)
  const body = Object.fromEntries(Object.entries(received).filter(([, value]) => value !== null))
  refuseOptions(body)
  const callbackUrl = headers['callback-url']
  if (callbackUrl !== undefined) body['callback'] ??= callbackUrl
  if (body['callback'] !== undefined && options.mode !== 'interactive')
    throw invalidInput('callback', 'needs ?mode=interactive: other calls return their result in the response')
  const event = parseEvent(poller ? body : { ...body, id: body['id'] ?? options.key ?? messageIdOf(request) })
  setTraceparent(headers['traceparent'] ?? body['traceparent'])
  return {
    requestedAction,
    options,
    body,
    headers,
    replyTo: request.replyTo,
    event: withKey(event, poller, options),
    categoryUrl,
    traceparent: traceparent(),
    findRunOfTask: request.findRunOfTask,
  }
}

/**
 * Returns what identifies a message that is a Standard Webhook or signed: the same for each attempt to send it. For a signed one, only
 * what its signature covers does, so that no one can make another call of a copy. A sender with a token may send any id.
 */
function messageIdOf({ headers, signed }: CallRequest): string | undefined {
  if (signed) return signed.id ?? signed.message
  return headers['webhook-signature'] === undefined ? undefined : headers['webhook-id']
}

/**
 * A poller only reads the status, and continues after each success. Refuses a call whose success does not mean that its task has
 * passed.
 */
function refuseEarlySuccess(
  { mode, answer, dryRun }: CallOptions,
  { mode: sentMode }: CallRequest['query'],
  action: Category['actions'][string] | undefined,
): void {
  if (mode === 'interactive')
    throw invalidQuery('mode', 'must be gate: the engine would continue as soon as the task is accepted')
  if (dryRun) throw invalidQuery('dryRun', 'must be omitted: the engine would take the answer for a result')
  if (answer === 'body')
    throw invalidQuery('answer', 'must be status: the engine reads only the status of the response')
  if (!sentMode?.some(Boolean) && action?.type === 'job' && action.startsJob)
    throw invalidQuery('mode', 'is required: gate waits until the job has passed, silent only starts it')
}

/** A silent call of a poller may be repeated on purpose, unless its URL has a key. */
function withKey(event: CallEvent, poller: PollerRequest | undefined, { mode, key }: CallOptions): CallEvent {
  if (!poller || (mode === 'silent' && key === undefined)) return event
  return { ...event, id: key === undefined ? poller.key : `${poller.key}/${key}` }
}

/** An option in the body would have no effect, and a call that is silent by mistake leaves its sequence waiting. */
function refuseOptions(body: Record<string, unknown>): void {
  const misplaced = QUERY_ONLY.filter((name) => Object.hasOwn(body, name))
  if (misplaced.length === 0) return
  throw new Failure(
    'invalid',
    `${misplaced.join(' and ')} must be in the query, not in the body: ?${misplaced[0]}=..`,
    { errors: misplaced.map((path) => ({ path, message: `must be in the query: ?${path}=..` })) },
  )
}

/**
 * Refuses the notification of a sender of alerts if its URL has a key. Each sender has one fixed URL, so the alert of tomorrow would be a
 * repeat of today's call, and an alert that has ended would be one, too.
 *
 * @throws Failure `invalid`
 */
function refuseAlerts(body: Record<string, unknown>, key: string | undefined): void {
  if (key === undefined || !isOfAlertSender(body)) return
  throw invalidQuery(
    'key',
    'must be omitted: the body is a notification of an alert, and all alerts would be the same call. Declare the sender as a source in events.yaml, with a rule that makes this call, and send to /v1/events/<source>',
  )
}

/** Returns whether a body is that of Alertmanager or Grafana, PagerDuty, SNS or EventBridge. */
function isOfAlertSender(body: Record<string, unknown>): boolean {
  const { alerts, event } = body
  if (Array.isArray(alerts))
    return alerts.some((alert) => isRecord(alert) && ['firing', 'resolved'].includes(String(alert['status'])))
  if (isRecord(event)) return /^incident\./.test(String(event['event_type']))
  return (body['Type'] === 'Notification' && 'TopicArn' in body) || (isRecord(body['detail']) && 'detail-type' in body)
}
