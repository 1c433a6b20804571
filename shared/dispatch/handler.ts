import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { sqs } from '../aws/sqs.ts'
import { messageOf } from '../errors.ts'
import type { AlertMessage, GroupMessage } from '../events/queue.ts'
import { log } from '../log.ts'
import { clearSecrets, redact } from '../redact.ts'
import { settings } from '../settings.ts'
import { endGroup } from './group.ts'
import { handleAlert } from './handle-alert.ts'
import { RefusedCall, RetryLater } from './results.ts'

/** The queue delivers a message a thousand times: for about ten days. */
const MAX_PAUSE_SECONDS = 900
/** Longer than a webhook takes to respond. */
const MIN_TIME_LEFT_MS = 30_000

export type DispatchHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>

/**
 * The handler of the queue for alerts: makes the calls of the rules through the webhooks, as the source. A message that cannot be handled
 * now returns to the queue, with a growing pause. One whose call is refused goes to the dead letters.
 *
 * @example export const handler = dispatchHandler()
 */
export function dispatchHandler(): DispatchHandler {
  return async ({ Records: records }, context) => {
    clearSecrets()
    const failed: string[] = []
    const hasTime = () => context.getRemainingTimeInMillis() > MIN_TIME_LEFT_MS
    // One after the other: more invocations run at the same time, and log lines have the fields of one alert.
    for (const record of records) if (!(await isHandled(record, hasTime))) failed.push(record.messageId)
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
  }
}

/** Returns whether a message can be deleted. Does not throw. */
async function isHandled(record: SQSRecord, hasTime: () => boolean): Promise<boolean> {
  const message: AlertMessage | GroupMessage = JSON.parse(record.body)
  log.resetKeys()
  log.appendKeys({ source: message.source, ...('delivery' in message ? { delivery: message.delivery } : {}) })
  try {
    if (!hasTime()) throw new RetryLater('The function has no time left.')
    await ('calls' in message ? handleAlert(message, hasTime) : endGroup(message))
    return true
  } catch (error) {
    if (error instanceof RefusedCall) return sendToDeadLetters(record, redact(error.message))
    await pause(record, error)
    return false
  } finally {
    log.resetKeys()
  }
}

/** Returns whether the message is with the dead letters. */
async function sendToDeadLetters({ body }: SQSRecord, reason: string): Promise<boolean> {
  log.error('alert refused', { alertRefused: true, reason })
  try {
    await sqs('SendMessage', { QueueUrl: settings.alertDeadLetters, MessageBody: body })
    return true
  } catch (error) {
    log.warn('dead letter not sent', error as Error)
    return false
  }
}

/** Makes a message invisible for a while. If that fails, it returns after the timeout of the queue. */
async function pause({ receiptHandle, attributes }: SQSRecord, error: unknown): Promise<void> {
  const attempt = Number(attributes.ApproximateReceiveCount)
  const after = error instanceof RetryLater ? error.after : undefined
  // A short pause that does not grow would use up the attempts within hours.
  const growing = after === undefined ? 2 ** attempt : Math.max(after, 2 ** (attempt / 10))
  const seconds = Math.min(MAX_PAUSE_SECONDS, Math.ceil(growing))
  log.info('alert waits', { attempt, seconds, reason: redact(messageOf(error)) })
  try {
    await sqs('ChangeMessageVisibility', {
      QueueUrl: settings.alertQueue,
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    })
  } catch (cause) {
    log.warn('pause not set', cause as Error)
  }
}
