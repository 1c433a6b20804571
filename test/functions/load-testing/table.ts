import { startDynamoDb } from '../../../infra/local/cloud/dynamodb.ts'
import { type Call, type Reply, serve } from '../../../infra/testing/loopback-server.ts'
import { latency, latencyMs } from '../../runner/latency.ts'

/**
 * Starts the table that a webhook and its task share, and points the AWS SDK of the code under test to it.
 *
 * @param onRequest called before each request is answered
 */
export async function startTable(
  onRequest?: () => Promise<void>,
): Promise<{ endpoint: string; close(): Promise<void> }> {
  const saved = { ...process.env }
  const table = await startDynamoDb(undefined, 'runs', { accessKeyId: 'test', secretAccessKey: 'test' })
  const answer = (call: Call) =>
    latency()
      .then(onRequest)
      .then(() => forward(table.endpoint, call))
  const slow = latencyMs() > 0 || onRequest ? await serve(answer) : undefined
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_DYNAMODB: slow?.url ?? table.endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    WEBHOOKS_STATE_TABLE: 'runs',
  })
  return {
    endpoint: table.endpoint,
    async close() {
      process.env = saved
      await slow?.close()
      await table.close()
    },
  }
}

/** Sends a request on to a table, for a server between the table and the AWS client. */
export async function forward(endpoint: string, { headers, text }: Call): Promise<Reply> {
  const names = ['x-amz-target', 'content-type', 'authorization', 'x-amz-date']
  const sent = Object.fromEntries(names.map((name) => [name, String(headers[name])]))
  const response = await fetch(endpoint, { method: 'POST', headers: sent, body: text })
  return { status: response.status, body: await response.text() }
}
