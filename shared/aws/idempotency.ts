import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb'
import { settings } from '../settings.ts'

export { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency'

/** The table of earlier answers; one for the life of the process, so that its connections are used again. */
export const persistenceStore = new DynamoDBPersistenceLayer({ tableName: settings.idempotencyTable })
