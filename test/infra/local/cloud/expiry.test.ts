import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type LocalDynamoDb, startDynamoDb } from '../../../../infra/local/cloud/dynamodb.ts'
import { expireItems } from '../../../../infra/local/cloud/expiry.ts'
import { until } from '../../../e2e/service.ts'

const folder = mkdtempSync(join(tmpdir(), 'dynamodb-'))
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
  rmSync(folder, { recursive: true })
})

const now = () => Math.floor(Date.now() / 1_000)
const put = (id: string, expiration?: number) =>
  client.send(
    new PutItemCommand({
      TableName: 'table',
      Item: { id: { S: id }, ...(expiration === undefined ? {} : { expiration: { N: String(expiration) } }) },
    }),
  )
const ids = async () => {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'table' }))
  return Items.map(({ id }) => id?.S ?? '').sort()
}

test('An item whose time has come is forgotten, page by page, and no other.', async () => {
  await put('for ever')
  await put('for an hour', now() + 3_600)
  await Promise.all(Array.from({ length: 10 }, (_, n) => put(`old ${n}`, now() - 60)))
  await until(
    async () => (await ids()).length === 2,
    10,
    () => 'the end of what is old',
  )
  expect(await ids()).toEqual(['for an hour', 'for ever'])
  await client.send(new DeleteItemCommand({ TableName: 'table', Key: { id: { S: 'for ever' } } }))
})

test('What is written again for longer stays.', async () => {
  for (let n = 0; n < 20; n++) await put('again', now() + (n % 2 === 0 ? -60 : 3_600))
  // Forgotten or not in between, the last write counts.
  await put('last', now() - 60)
  await until(
    async () => !(await ids()).includes('last'),
    10,
    () => 'the end of what was written after it',
  )
  expect(await ids()).toContain('again')
})

test('Its end waits for the look that is under way, and there is none after it.', async () => {
  const answers: (() => void)[] = []
  const call = async () => {
    await new Promise<void>((resolve) => answers.push(resolve))
    return { ok: true, text: '{"Items":[]}' }
  }
  const end = expireItems(call, 'table', { items: 1, everyMs: 1 })
  await until(
    async () => answers.length === 1,
    10,
    () => 'the first look',
  )
  let hasEnded = false
  const ending = end().then(() => {
    hasEnded = true
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([hasEnded, answers.length]).toEqual([false, 1])
  answers[0]?.()
  await ending
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(answers).toHaveLength(1)
})
