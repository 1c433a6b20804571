import { IdempotencyItemAlreadyExistsError, IdempotencyItemNotFoundError } from '@aws-lambda-powertools/idempotency'
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence'
import { get, type Item, remove, update } from './table.ts'

export { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency'

const IN_PROGRESS = 'INPROGRESS'
const COMPLETED = 'COMPLETED'
/** Left of Lambda's time for the response. */
const RESPONSE_MS = 500

/**
 * The record of one silent call, for Powertools' idempotency. Unlike Powertools' own store, it remembers an earlier call with
 * the same key whose outcome is unknown.
 *
 * The client of DynamoDB repeats a write whose response was lost. A record therefore has an owner: a call recognizes its own write, and a late
 * write does not change the record of the next call.
 *
 * @see https://docs.aws.amazon.com/powertools/typescript/latest/features/idempotency/#bring-your-own-persistent-store
 */
export class SilentCallRecord extends BasePersistenceLayer {
  /** An earlier call, or an attempt of this one, may have written. */
  mayHaveWritten = false
  /** An attempt ended with an unknown outcome: a repeat must not write again. */
  outcomeUnknown = false
  readonly #owner = crypto.randomUUID()
  #firstOwner: string | undefined
  #startId: string | undefined
  readonly #timeLeft: () => number

  /** @param timeLeft returns the milliseconds until Lambda ends the call */
  constructor(timeLeft: () => number) {
    super()
    this.#timeLeft = timeLeft
  }

  /** Identifies the call that has run: this one, or the one that it repeats. */
  get owner(): string {
    return this.#firstOwner ?? this.#owner
  }

  /** Names the start of the action. A call that continues an interrupted one is the same start. */
  get startId(): string {
    return this.#startId ?? this.owner
  }

  protected async _putRecord(record: IdempotencyRecord): Promise<void> {
    const { idempotencyKey, expiryTimestamp, inProgressExpiryTimestamp = 0 } = record
    const now = Date.now()
    let item = await update(
      idempotencyKey,
      'SET call_status = :inProgress, call_owner = :owner, expiration = :expiration, in_progress_until = :until, replaced = if_not_exists(call_status, :nothing), start_id = if_not_exists(start_id, :owner) REMOVE answer',
      {
        condition:
          'attribute_not_exists(id) OR expiration < :seconds OR (call_status = :inProgress AND in_progress_until < :now)',
        values: {
          inProgress: IN_PROGRESS,
          nothing: 'nothing',
          owner: this.#owner,
          expiration: expiryTimestamp,
          until: inProgressExpiryTimestamp,
          now,
          seconds: Math.floor(now / 1_000),
        },
      },
    )
    if (!item) {
      item = await get(idempotencyKey)
      if (item?.['call_owner'] !== this.#owner)
        throw new IdempotencyItemAlreadyExistsError(undefined, item && this.#asRecord(idempotencyKey, item))
    }
    this.mayHaveWritten = item['replaced'] === IN_PROGRESS
    this.#startId = String(item['start_id'] ?? this.#owner)
    this.outcomeUnknown = item['outcome_unknown'] === true
  }

  protected async _updateRecord({ idempotencyKey, expiryTimestamp, responseData }: IdempotencyRecord): Promise<void> {
    const expression = 'SET call_status = :completed, expiration = :expiration, answer = :answer REMOVE start_id'
    const values = { completed: COMPLETED, expiration: expiryTimestamp, answer: JSON.stringify(responseData) }
    await update(idempotencyKey, expression, this.#ifOwned(values))
  }

  /** Runs after a failure: a repeat may start at once, and knows whether this call may have written. */
  protected async _deleteRecord({ idempotencyKey }: IdempotencyRecord): Promise<void> {
    if (!this.mayHaveWritten) return remove(idempotencyKey, this.#ifOwned({}))
    const values = { over: 0, unknown: this.outcomeUnknown }
    await update(idempotencyKey, 'SET in_progress_until = :over, outcome_unknown = :unknown', this.#ifOwned(values))
  }

  protected async _getRecord(idempotencyKey: string): Promise<IdempotencyRecord> {
    const item = await get(idempotencyKey)
    if (!item) throw new IdempotencyItemNotFoundError()
    return this.#asRecord(idempotencyKey, item)
  }

  /** Another call owns the record once this one was taken for dead. */
  #ifOwned(values: Item) {
    const timeoutMs = Math.max(RESPONSE_MS, Math.floor(this.#timeLeft()) - RESPONSE_MS)
    return { condition: 'call_owner = :owner', values: { ...values, owner: this.#owner }, timeoutMs }
  }

  #asRecord(idempotencyKey: string, item: Item): IdempotencyRecord {
    const { call_status: status, call_owner: owner, expiration, in_progress_until: until, answer } = item
    if (typeof owner === 'string') this.#firstOwner = owner
    return new IdempotencyRecord({
      idempotencyKey,
      status: status === COMPLETED ? COMPLETED : IN_PROGRESS,
      expiryTimestamp: Number(expiration),
      ...(until === undefined ? {} : { inProgressExpiryTimestamp: Number(until) }),
      ...(typeof answer === 'string' ? { responseData: JSON.parse(answer) } : {}),
    })
  }
}
