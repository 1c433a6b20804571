import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { activityIn, type SourceActivity } from '../../shared/state/source-activity.ts'

/**
 * Reads when sources have notified us.
 *
 * @param config the region, and for the local runtime its endpoint and credentials
 * @throws the error of DynamoDB
 */
export async function readActivities(
  config: DynamoDBClientConfig,
  table: string,
  sources: readonly string[],
): Promise<Map<string, SourceActivity>> {
  const [{ DynamoDBClient }, { DynamoDBDocumentClient, GetCommand }] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('@aws-sdk/lib-dynamodb'),
  ])
  const client = new DynamoDBClient({ maxAttempts: 2, ...config })
  try {
    const documents = DynamoDBDocumentClient.from(client)
    const entries = sources.map(async (source) => {
      const { Item } = await documents.send(
        new GetCommand({ TableName: table, Key: { id: itemKeys.sourceActivity(source) } }),
      )
      return [source, activityIn(Item)] as const
    })
    return new Map(await Promise.all(entries))
  } finally {
    client.destroy()
  }
}
