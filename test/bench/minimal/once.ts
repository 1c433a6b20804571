import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { answer, send } from './by-hand.ts'

const dynamodb = new DynamoDBClient()

/** Like the silent handler, but records the event in a table before and after. */
export function handler(event: APIGatewayProxyEvent) {
  return answer(event, async (calls, base) => {
    let last: unknown
    for (const call of calls) {
      const target = call.headers['x-amz-target']?.toString() ?? ''
      if (target.endsWith('.PutItem')) await dynamodb.send(new PutItemCommand(JSON.parse(call.body)))
      else if (target.endsWith('.UpdateItem')) await dynamodb.send(new UpdateItemCommand(JSON.parse(call.body)))
      else last = await send(call, base)
    }
    return last
  })
}
