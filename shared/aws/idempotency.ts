import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb'
import { DynamoDBClient, type PutItemCommandOutput, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { settings } from '../settings.ts'

export { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency'

type IdempotencyRecord = Parameters<DynamoDBPersistenceLayer['_putRecord']>[0]

/** One for the life of the process, so that its connections are used again. */
const client = new DynamoDBClient()
/** The records of calls that began and never ended, which a repeat has just taken over. */
const takenOver = new Set<string>()

// Powertools does not tell what its record replaces.
client.middlewareStack.add(
  (next, { commandName }) =>
    async (args) => {
      if (commandName !== 'PutItemCommand') return next(args)
      const result = await next({ ...args, input: { ...args.input, ReturnValues: 'ALL_OLD' } })
      const { id, status } = (result.output as PutItemCommandOutput).Attributes ?? {}
      if (status?.S === 'INPROGRESS' && id?.S !== undefined) takenOver.add(id.S)
      return result
    },
  { step: 'initialize', name: 'askForWhatIsReplaced' },
)

/**
 * The record of one call in the table of earlier answers, by Powertools' idempotency. What Powertools forgets it keeps: that
 * an earlier call with the same key has come to no end that is known.
 */
export class CallRecord extends DynamoDBPersistenceLayer {
  /** Whether a try may have got further than we know: of an earlier call, or, where the action says so, of this one. */
  doubtful = false

  constructor() {
    super({ tableName: settings.idempotencyTable, awsSdkV3Client: client })
  }

  protected override async _putRecord(record: IdempotencyRecord): Promise<void> {
    await super._putRecord(record)
    this.doubtful = takenOver.delete(record.idempotencyKey)
  }

  /** After a failure: a repeat may begin at once, and does so knowing what is in doubt. */
  protected override async _deleteRecord(record: IdempotencyRecord): Promise<void> {
    if (!this.doubtful) return super._deleteRecord(record)
    await client.send(
      new UpdateItemCommand({
        TableName: settings.idempotencyTable,
        Key: this.getKey(record.idempotencyKey),
        UpdateExpression: 'SET in_progress_expiration = :over',
        ExpressionAttributeValues: { ':over': { N: '0' } },
      }),
    )
  }
}
