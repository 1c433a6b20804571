import { DynamoDBClient } from '@aws-sdk/client-dynamodb'

export { DeleteItemCommand, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'

/** One client per process, so that connections are reused. Load this module when it is first used. */
export const dynamodb = new DynamoDBClient()
