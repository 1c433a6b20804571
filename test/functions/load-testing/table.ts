import { startDynamoDb } from '../../../infra/local/cloud/dynamodb.ts'

/** Starts the table that a webhook and its task share, and points the AWS SDK of the code under test to it. */
export async function startTable(): Promise<{ endpoint: string; close(): Promise<void> }> {
  const saved = { ...process.env }
  const table = await startDynamoDb(undefined, 'runs', { accessKeyId: 'test', secretAccessKey: 'test' })
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    WEBHOOKS_STATE_TABLE: 'runs',
  })
  return {
    endpoint: table.endpoint,
    async close() {
      process.env = saved
      await table.close()
    },
  }
}
