import { DynamoDBClient } from '@aws-sdk/client-dynamodb'

export { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'

/** One for the life of the process, so that its connections are used again. Loaded when first used. */
export const dynamodb = new DynamoDBClient()
