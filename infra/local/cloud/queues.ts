import { createHash, randomUUID } from 'node:crypto'
import { type Core, delayMs } from './core.ts'
import { ApiError } from './errors.ts'
import { type ApiResponse, JSON_1_0 } from './http.ts'
import type { Invoker } from './invoke.ts'
import { ACCOUNT, REGION } from './names.ts'
import type { LocalQueue } from './types.ts'

const TARGET = 'AmazonSQS.'
const BATCH = 10
/** Invocations of a consumer at the same time. */
const CONCURRENCY = 2
/** Limit of SQS for a message, and for all messages of a batch. */
const MAX_BYTES = 1024 * 1024

interface Row {
  id: string
  body: string
  sent_at: number
  receives: number
  receipt: string
}

/** Returns whether the X-Amz-Target header names an operation of SQS. */
export function isQueueCall(target: string | undefined): target is string {
  return target?.startsWith(TARGET) ?? false
}

/**
 * SQS with its event source mapping for Lambda: messages are delivered at least once, are invisible while they are handled, and go to
 * another queue after too many attempts. The messages are in the state folder.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 */
export class Queues {
  readonly #core: Core
  readonly #invoker: Invoker
  readonly #queues: readonly LocalQueue[]
  readonly #running = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(core: Core, invoker: Invoker, queues: readonly LocalQueue[] = []) {
    this.#core = core
    this.#invoker = invoker
    this.#queues = queues
  }

  /** Delivers the messages of an earlier process, also those whose handling it interrupted. */
  start(): void {
    this.#core.store.run('UPDATE message SET visible_at = 0, in_flight = 0 WHERE in_flight = 1')
    this.#deliver()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /**
   * Handles SendMessage, SendMessageBatch, ChangeMessageVisibility, GetQueueAttributes and StartMessageMoveTask.
   *
   * @throws ApiError as SQS
   */
  handle(target: string, body: Buffer): ApiResponse {
    const request: QueueRequest = JSON.parse(body.toString() || '{}')
    const operation = target.slice(TARGET.length)
    const name = queueNameOf(request.QueueUrl ?? request.SourceArn ?? '')
    const queue = this.#queues.find((known) => known.name === name)
    if (queue === undefined) throw new ApiError('QueueDoesNotExist', 400, 'The specified queue does not exist.')
    return { status: 200, headers: JSON_1_0, body: this.#operate(operation, queue, request) }
  }

  #operate(operation: string, queue: LocalQueue, request: QueueRequest): object {
    switch (operation) {
      case 'SendMessage':
        return this.#send(queue, [{ MessageBody: request.MessageBody ?? '' }])[0] ?? {}
      case 'SendMessageBatch': {
        const { Entries: entries = [] } = request
        const ids = this.#send(queue, entries)
        return { Successful: entries.map(({ Id }, index) => ({ Id, ...ids[index] })), Failed: [] }
      }
      case 'ChangeMessageVisibility': {
        const { ReceiptHandle: receipt = '', VisibilityTimeout: seconds = 0 } = request
        const visibleAt = Date.now() + delayMs(this.#core, seconds)
        const sql = 'UPDATE message SET visible_at = ?, in_flight = 0 WHERE queue = ? AND receipt = ?'
        if (this.#core.store.run(sql, visibleAt, queue.name, receipt).changes === 0)
          throw new ApiError('ReceiptHandleIsInvalid', 400, 'The input receipt handle is invalid.')
        return {}
      }
      case 'GetQueueAttributes':
        return {
          Attributes: { QueueArn: queueArn(queue.name), ApproximateNumberOfMessages: String(this.#count(queue)) },
        }
      case 'StartMessageMoveTask':
        return this.#redrive(queue)
      default:
        throw new ApiError('UnsupportedOperation', 400, `The local SQS does not support ${operation}`)
    }
  }

  #send({ name }: LocalQueue, messages: readonly SentMessage[]): { MessageId: string; MD5OfMessageBody: string }[] {
    const bytes = messages.reduce((sum, { MessageBody: body }) => sum + Buffer.byteLength(body), 0)
    if (bytes > MAX_BYTES)
      throw new ApiError('BatchRequestTooLong', 400, `The messages have more than ${MAX_BYTES} bytes.`)
    if (messages.length > BATCH) throw new ApiError('TooManyEntriesInBatchRequest', 400, `More than ${BATCH} messages.`)
    const { store } = this.#core
    const sent = store.transaction(() =>
      messages.map(({ MessageBody: body }) => {
        const id = randomUUID()
        const sql = "INSERT INTO message (id, queue, body, sent_at, visible_at, receipt) VALUES (?, ?, ?, ?, 0, '')"
        store.run(sql, id, name, body, Date.now())
        return { MessageId: id, MD5OfMessageBody: md5Of(body) }
      }),
    )
    this.#schedule(0)
    return sent
  }

  #count({ name }: LocalQueue): number {
    return (
      this.#core.store.get<{ count: number }>('SELECT count(*) AS count FROM message WHERE queue = ?', name)?.count ?? 0
    )
  }

  /** Moves all messages to the queue whose dead letters they are. */
  #redrive({ name }: LocalQueue): object {
    const source = this.#queues.find(({ deadLetters }) => deadLetters === name)
    if (source === undefined)
      throw new ApiError('InvalidParameterValue', 400, 'Source queue must be a dead-letter queue.')
    const sql = 'UPDATE message SET queue = ?, visible_at = 0, receives = 0 WHERE queue = ?'
    this.#core.store.run(sql, source.name, name)
    this.#schedule(0)
    return { TaskHandle: randomUUID() }
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#deliver(), Math.min(ms, this.#core.clockCheckMs)).unref()
  }

  /** Invokes the consumers of all queues that have visible messages. */
  #deliver(): void {
    const { store } = this.#core
    for (const queue of this.#queues) {
      if (queue.consumer === undefined) continue
      while (!this.#isClosed && (this.#running.get(queue.name) ?? 0) < CONCURRENCY) {
        const rows = store.transaction(() => this.#receive(queue))
        if (rows.length === 0) break
        this.#running.set(queue.name, (this.#running.get(queue.name) ?? 0) + 1)
        void this.#consume(queue, queue.consumer, rows)
      }
    }
    const sql = 'SELECT min(visible_at) AS at FROM message WHERE queue = ?'
    const consumed = this.#queues.filter(({ consumer }) => consumer !== undefined)
    const next = consumed.flatMap(({ name }) => store.get<{ at: number | null }>(sql, name)?.at ?? [])
    if (next.length > 0) this.#schedule(Math.max(20, Math.min(...next) - Date.now()))
  }

  /** Receives the next messages of a queue, and makes them invisible. */
  #receive({ name, deadLetters, maxReceives = Number.POSITIVE_INFINITY, visibilitySeconds = 30 }: LocalQueue): Row[] {
    const { store } = this.#core
    const now = Date.now()
    if (deadLetters !== undefined && Number.isFinite(maxReceives)) {
      const sql = 'UPDATE message SET queue = ? WHERE queue = ? AND visible_at <= ? AND receives >= ?'
      store.run(sql, deadLetters, name, now, maxReceives)
    }
    const sql = 'SELECT id FROM message WHERE queue = ? AND visible_at <= ? ORDER BY sent_at LIMIT ?'
    return store
      .all<{ id: string }>(sql, name, now, BATCH)
      .flatMap(({ id }) =>
        store.all<Row>(
          'UPDATE message SET receives = receives + 1, receipt = ?, visible_at = ?, in_flight = 1 WHERE id = ? RETURNING *',
          randomUUID(),
          now + visibilitySeconds * 1_000,
          id,
        ),
      )
  }

  /** Deletes the messages that the consumer has handled. The others become visible again. */
  async #consume({ name }: LocalQueue, consumer: string, rows: readonly Row[]): Promise<void> {
    const event = JSON.stringify({ Records: rows.map((row) => recordOf(name, row)) })
    const { result, error } = await this.#invoker.run(consumer, event)
    if (this.#isClosed) return
    const failed: { itemIdentifier: string }[] = error ? [] : (JSON.parse(result ?? 'null')?.batchItemFailures ?? [])
    const handled = error ? [] : rows.filter(({ id }) => !failed.some(({ itemIdentifier }) => itemIdentifier === id))
    for (const { id, receipt } of handled)
      this.#core.store.run('DELETE FROM message WHERE id = ? AND receipt = ?', id, receipt)
    this.#running.set(name, (this.#running.get(name) ?? 1) - 1)
    this.#schedule(0)
  }
}

/** The fields of the requests of all operations. */
interface QueueRequest {
  QueueUrl?: string
  SourceArn?: string
  MessageBody?: string
  Entries?: SentMessage[]
  ReceiptHandle?: string
  VisibilityTimeout?: number
}

interface SentMessage {
  Id?: string
  MessageBody: string
}

function recordOf(queue: string, { id, body, sent_at: sentAt, receives, receipt }: Row): object {
  return {
    messageId: id,
    receiptHandle: receipt,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAt),
      SenderId: 'local',
      ApproximateFirstReceiveTimestamp: String(sentAt),
    },
    messageAttributes: {},
    md5OfBody: md5Of(body),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn(queue),
    awsRegion: REGION,
  }
}

function queueArn(name: string): string {
  return `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`
}

/** Returns the name of a queue in its URL or ARN. */
function queueNameOf(id: string): string {
  return id.split(/[/:]/).at(-1) ?? ''
}

function md5Of(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
