import { DeleteItemCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type LocalDynamoDb, startDynamoDb } from '../../../../infra/local/cloud/dynamodb.ts'
import { expireItems } from '../../../../infra/local/cloud/expiry.ts'
import { until } from '../../../e2e/service.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { waitForAll } from '../../../wait-for-all.ts'

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
let dynamodb: LocalDynamoDb
let client: DynamoDBClient
beforeAll(async () => {
  dynamodb = await startDynamoDb(folder, 'table', credentials, { items: 3, everyMs: 20 })
  client = new DynamoDBClient({
    endpoint: dynamodb.endpoint,
    region: 'eu-west-1',
    credentials,
  })
})
afterAll(async () => {
  client.destroy()
  await dynamodb.close()
})
const folder = temporaryFolder()

const now = () => Math.floor(Date.now() / 1_000)
const put = (id: string, expiration?: number) =>
  client.send(
    new PutItemCommand({
      TableName: 'table',
      Item: { id: { S: id }, ...(expiration === undefined ? {} : { expiration: { N: String(expiration) } }) },
    }),
  )
const wait = (holds: () => Promise<boolean>, what: string) => until(holds, 10, () => what)
const ids = async () => {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'table' }))
  return Items.map(({ id }) => id?.S ?? '').sort()
}

test('expired items are deleted in pages, and no others', async () => {
  await put('forever')
  await put('for an hour', now() + 3_600)
  await waitForAll(Array.from({ length: 10 }, (_, n) => put(`old ${n}`, now() - 60)))
  await wait(async () => (await ids()).length === 2, 'the deletion of old items')
  expect(await ids()).toEqual(['for an hour', 'forever'])
  await client.send(new DeleteItemCommand({ TableName: 'table', Key: { id: { S: 'forever' } } }))
})

test('an item whose expiration was extended is not deleted', async () => {
  for (let n = 0; n < 20; n++) await put('again', now() + (n % 2 === 0 ? -60 : 3_600))
  // Whether or not it was deleted in between, the last write counts.
  await put('last', now() - 60)
  await wait(async () => !(await ids()).includes('last'), 'the deletion of the item written last')
  expect(await ids()).toContain('again')
})

test('stopping waits for the running scan and prevents further ones', async () => {
  const scans: (() => void)[] = []
  const call = async () => {
    await new Promise<void>((resolve) => scans.push(resolve))
    return { ok: true, text: '{"Items":[]}' }
  }
  const end = expireItems(call, 'table', { items: 1, everyMs: 1 })
  await wait(async () => scans.length === 1, 'the first scan')
  let hasEnded = false
  const ending = end().then(() => {
    hasEnded = true
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([hasEnded, scans.length]).toEqual([false, 1])
  scans[0]?.()
  await ending
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(scans).toHaveLength(1)
})
