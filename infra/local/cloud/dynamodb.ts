import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import dynalite from 'dynalite'
import { type DynamoDbCall, type Expiry, expireItems } from './expiry.ts'
import { authorizationWith, errorResponse, hasAccessKey, sendResponse, unrecognizedClient } from './http.ts'
import type { CloudCredentials } from './types.ts'

export interface LocalDynamoDb {
  endpoint: string
  close(): Promise<void>
}

/**
 * Starts DynamoDB on a free loopback port.
 *
 * @param folder state folder; the data is stored in its subfolder `dynamodb`, or in memory if undefined
 * @param table created if missing, with the string key `id`
 * @param credentials requests with another access key are rejected
 * @param expiry how often expired items are deleted
 * @throws Error if the table cannot be created
 */
export async function startDynamoDb(
  folder: string | undefined,
  table: string,
  credentials: CloudCredentials,
  expiry?: Expiry,
): Promise<LocalDynamoDb> {
  const path = folder && join(folder, 'dynamodb')
  if (path) mkdirSync(path, { recursive: true, mode: 0o700 })
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  server.keepAliveTimeout = 65_000
  requireAccessKey(server, credentials)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let endExpiry: (() => Promise<void>) | undefined
  const close = async () => {
    await endExpiry?.()
    await new Promise<void>((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()))
      server.closeAllConnections()
    })
  }
  const authorization = authorizationWith(credentials)
  const call: DynamoDbCall = (operation, request) => callDynamoDb(endpoint, authorization, operation, request)
  try {
    await createTable(call, table)
  } catch (error) {
    await close()
    throw error
  }
  endExpiry = expireItems(call, table, expiry)
  return { endpoint, close }
}

/** Checks the access key, because dynalite accepts any signature. */
function requireAccessKey(server: Server, { accessKeyId }: CloudCredentials): void {
  const listeners = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (req, res) => {
    if (!hasAccessKey(req, accessKeyId)) sendResponse(res, errorResponse(unrecognizedClient()))
    else for (const listener of listeners) listener.call(server, req, res)
  })
}

async function createTable(call: DynamoDbCall, table: string): Promise<void> {
  const created = await call('CreateTable', {
    TableName: table,
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  })
  if (!created.ok && !created.text.includes('ResourceInUseException'))
    throw new Error(`The local DynamoDB could not create the table ${table}: ${created.text}`)
  // Tables are created in the background.
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const described = await call('DescribeTable', { TableName: table })
    if (described.ok && described.text.includes('"TableStatus":"ACTIVE"')) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`The table ${table} of the local DynamoDB did not become active.`)
}

/** Calls DynamoDB without the AWS SDK, which is slow to load. */
async function callDynamoDb(
  endpoint: string,
  authorization: string,
  operation: string,
  request: object,
): Promise<{ ok: boolean; text: string }> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20250101T000000Z',
      authorization,
    },
    body: JSON.stringify(request),
  })
  return { ok: response.ok, text: await response.text() }
}
