import { sqs } from '../aws/sqs.ts'
import { serviceUnavailable } from '../errors.ts'
import { settings } from '../settings.ts'
import type { RuleCall } from '../sources/evaluate-rules.ts'

/** An alert for which rules make calls: the body of a message of the queue. */
export interface AlertMessage {
  source: string
  /** The sender's name for what happened. */
  event: string
  delivery?: string | undefined
  /** Identifies the alert within its source. */
  key: string
  state: 'firing' | 'resolved'
  /** When its state changed, in epoch milliseconds. Absent if a key is never used again. */
  at?: number | undefined
  /** The key that an earlier version of this software has stored. */
  formerKey?: string | undefined
  calls: RuleCall[]
}

/** The end of a period of a group in which alerts made no call of their own: another kind of message. */
export interface GroupMessage {
  source: string
  rule: string
  group: string
  /** The start of the period, in epoch milliseconds. */
  start: number
}

/** Limits of SQS for one request. */
const MAX_MESSAGES = 10
const MAX_BATCH_BYTES = 1_000_000
/** Requests at the same time. */
const CONCURRENCY = 10

/**
 * Puts alerts into the queue. They are stored when it returns.
 *
 * @throws Failure `unavailable`: some may be stored. They may be sent again: each alert is handled once
 */
export async function queueAlerts(alerts: readonly AlertMessage[]): Promise<void> {
  const batches = batchesOf(alerts.map((alert) => JSON.stringify(alert)))
  try {
    for (let start = 0; start < batches.length; start += CONCURRENCY)
      await Promise.all(batches.slice(start, start + CONCURRENCY).map(sendBatch))
  } catch (cause) {
    throw serviceUnavailable('The alerts could not be stored. Send the notification again.', { after: 5, cause })
  }
}

/**
 * Puts the end of a period into the queue.
 *
 * @throws the error of SQS
 */
export async function queueGroup(message: GroupMessage): Promise<void> {
  await sqs('SendMessage', { QueueUrl: settings.alertQueue, MessageBody: JSON.stringify(message) })
}

function batchesOf(bodies: readonly string[]): string[][] {
  const batches: string[][] = []
  let bytes = 0
  for (const body of bodies) {
    const size = Buffer.byteLength(body)
    const batch = batches.at(-1)
    if (batch && batch.length < MAX_MESSAGES && bytes + size <= MAX_BATCH_BYTES) {
      batch.push(body)
      bytes += size
    } else {
      batches.push([body])
      bytes = size
    }
  }
  return batches
}

async function sendBatch(bodies: readonly string[]): Promise<void> {
  const { Failed: failed } = await sqs('SendMessageBatch', {
    QueueUrl: settings.alertQueue,
    Entries: bodies.map((body, index) => ({ Id: String(index), MessageBody: body })),
  })
  if (Array.isArray(failed) && failed.length > 0)
    throw new Error(`SQS did not store ${failed.length} of ${bodies.length} messages: ${failed[0]?.Code}.`)
}
