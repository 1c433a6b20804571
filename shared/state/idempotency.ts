import { IdempotencyItemAlreadyExistsError, IdempotencyItemNotFoundError } from '@aws-lambda-powertools/idempotency'
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence'
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { dynamodb } from '../aws/dynamodb.ts'
import { settings } from '../settings.ts'

export { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency'

type Item = Record<string, AttributeValue>
const underWay = 'INPROGRESS'
const done = 'COMPLETED'

/**
 * The record of one call in the table of earlier answers, for Powertools' idempotency. It keeps what the store of Powertools
 * itself forgets: that an earlier call with the same key has come to no end that is known.
 *
 * A write whose answer was lost is sent again by the SDK. So a record says whose it is: what has got through already is
 * known, and what comes late does not touch the record of the next call.
 *
 * @see https://docs.aws.amazon.com/powertools/typescript/latest/features/idempotency/#bring-your-own-persistent-store
 */
export class CallRecord extends BasePersistenceLayer {
  /** Whether a try may have got further than we know: of an earlier call, or, where the action says so, of this one. */
  doubtful = false
  /** Whether a try ended with an unknown outcome, so that a repeat must not write again. */
  outcomeUnknown = false
  readonly #owner = crypto.randomUUID()

  protected async _putRecord(record: IdempotencyRecord): Promise<void> {
    const { idempotencyKey, expiryTimestamp, inProgressExpiryTimestamp = 0 } = record
    const now = Date.now()
    try {
      const { Attributes } = await dynamodb.send(
        new UpdateItemCommand({
          ...at(idempotencyKey),
          UpdateExpression:
            'SET call_status = :underWay, call_owner = :mine, expiration = :expiration, in_progress_until = :until, replaced = if_not_exists(call_status, :nothing) REMOVE answer',
          ConditionExpression:
            'attribute_not_exists(id) OR expiration < :seconds OR (call_status = :underWay AND in_progress_until < :now)',
          ExpressionAttributeValues: {
            ...{ ':underWay': { S: underWay }, ':nothing': { S: 'nothing' }, ':mine': { S: this.#owner } },
            ...{ ':expiration': { N: `${expiryTimestamp}` }, ':until': { N: `${inProgressExpiryTimestamp}` } },
            ...{ ':now': { N: `${now}` }, ':seconds': { N: `${Math.floor(now / 1_000)}` } },
          },
          ReturnValues: 'ALL_NEW',
        }),
      )
      this.#begin(Attributes)
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      const item = await this.#read(idempotencyKey)
      if (item?.['call_owner']?.S !== this.#owner)
        throw new IdempotencyItemAlreadyExistsError(undefined, item && asRecord(item))
      this.#begin(item)
    }
  }

  #begin(item: Item | undefined): void {
    this.doubtful = item?.['replaced']?.S === underWay
    this.outcomeUnknown = item?.['outcome_unknown']?.BOOL === true
  }

  protected async _updateRecord({ idempotencyKey, expiryTimestamp, responseData }: IdempotencyRecord): Promise<void> {
    await this.#changeMine(idempotencyKey, 'SET call_status = :done, expiration = :expiration, answer = :answer', {
      ':done': { S: done },
      ':expiration': { N: `${expiryTimestamp}` },
      ':answer': { S: JSON.stringify(responseData) },
    })
  }

  /** After a failure: a repeat may begin at once, and does so knowing what is in doubt. */
  protected async _deleteRecord({ idempotencyKey }: IdempotencyRecord): Promise<void> {
    if (this.doubtful) {
      await this.#changeMine(idempotencyKey, 'SET in_progress_until = :over, outcome_unknown = :unknown', {
        ':over': { N: '0' },
        ':unknown': { BOOL: this.outcomeUnknown },
      })
    } else {
      await unlessTaken(dynamodb.send(new DeleteItemCommand({ ...at(idempotencyKey), ...this.#ifMine })))
    }
  }

  protected async _getRecord(idempotencyKey: string): Promise<IdempotencyRecord> {
    const item = await this.#read(idempotencyKey)
    if (!item) throw new IdempotencyItemNotFoundError()
    return asRecord(item)
  }

  async #read(key: string): Promise<Item | undefined> {
    return (await dynamodb.send(new GetItemCommand({ ...at(key), ConsistentRead: true }))).Item
  }

  async #changeMine(key: string, UpdateExpression: string, values: Item): Promise<void> {
    const { ConditionExpression, ExpressionAttributeValues: mine } = this.#ifMine
    const ExpressionAttributeValues = { ...mine, ...values }
    await unlessTaken(
      dynamodb.send(
        new UpdateItemCommand({ ...at(key), UpdateExpression, ConditionExpression, ExpressionAttributeValues }),
      ),
    )
  }

  get #ifMine() {
    return {
      ConditionExpression: 'call_owner = :mine',
      ExpressionAttributeValues: { ':mine': { S: this.#owner } },
    }
  }
}

function at(key: string) {
  return { TableName: settings.idempotencyTable, Key: { id: { S: key } } }
}

/** Where a call was taken for dead, another has the record now. */
async function unlessTaken(sent: Promise<unknown>): Promise<void> {
  try {
    await sent
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
  }
}

function asRecord({ id, call_status: status, expiration, in_progress_until: until, answer }: Item): IdempotencyRecord {
  return new IdempotencyRecord({
    idempotencyKey: id?.S ?? '',
    status: status?.S === done ? done : underWay,
    expiryTimestamp: Number(expiration?.N),
    ...(until?.N === undefined ? {} : { inProgressExpiryTimestamp: Number(until.N) }),
    ...(answer?.S === undefined ? {} : { responseData: JSON.parse(answer.S) }),
  })
}
