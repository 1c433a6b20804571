import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { Recorded } from '../platform.ts'
import { answer } from './by-hand.ts'

const dynamodb = new DynamoDBClient()
const lambda = new LambdaClient()

/** Starts a durable execution, records it in a table, and responds. */
export function handler(event: APIGatewayProxyEvent) {
  return answer(event, async (calls) => {
    for (const call of calls) {
      if (call.path.includes('/invocations')) await invoke(call)
      else await dynamodb.send(new PutItemCommand(JSON.parse(call.body)))
    }
  })
}

async function invoke({ path, headers, body }: Recorded): Promise<void> {
  const [, name = ''] = /\/functions\/([^/]+)\//.exec(path) ?? []
  await lambda.send(
    new InvokeCommand({
      FunctionName: decodeURIComponent(name),
      InvocationType: 'Event',
      DurableExecutionName: headers['x-amz-durable-execution-name']?.toString(),
      Payload: body,
    }),
  )
}
