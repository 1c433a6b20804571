/** A call of DynamoDB's API. */
export type DynamoDbCall = (operation: string, request: object) => Promise<{ ok: boolean; text: string }>

/** Time-to-live attribute of the stack's table, in seconds since 1970. */
const EXPIRATION = 'expiration'

/** How many items are checked per interval. */
export interface Expiry {
  items: number
  everyMs: number
}
const DEFAULT_EXPIRY: Expiry = { items: 500, everyMs: 10_000 }

/**
 * Emulates DynamoDB's time to live, which dynalite does not support: deletes expired items within minutes.
 *
 * @returns a function that stops it. Wait for it before closing the database: dynalite fails if closed during a scan
 */
export function expireItems(
  call: DynamoDbCall,
  table: string,
  { items, everyMs }: Expiry = DEFAULT_EXPIRY,
): () => Promise<void> {
  let next: unknown
  let running: Promise<void> | undefined
  const expire = async () => {
    try {
      next = await expirePage(call, table, items, next)
    } catch (error) {
      // Starts over at the next interval. An item that expires late does no harm.
      next = undefined
      console.error('Could not delete expired items:', error)
    } finally {
      running = undefined
    }
  }
  const timer = setInterval(() => {
    running ??= expire()
  }, everyMs).unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}

/** @returns the start of the next page; undefined at the end of the table */
async function expirePage(call: DynamoDbCall, table: string, limit: number, from: unknown): Promise<unknown> {
  const { Items: expired, LastEvaluatedKey: next } = await parseResponse<{ Items: Item[]; LastEvaluatedKey?: unknown }>(
    call('Scan', {
      TableName: table,
      Limit: limit,
      FilterExpression: '#at < :now',
      ProjectionExpression: 'id, #at',
      ExpressionAttributeNames: { '#at': EXPIRATION },
      ExpressionAttributeValues: { ':now': seconds(Date.now()) },
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    }),
  )
  for (const { id, [EXPIRATION]: expiresAt } of expired) {
    // The condition protects an item that was updated in the meantime.
    const { ok, text } = await call('DeleteItem', {
      TableName: table,
      Key: { id },
      ConditionExpression: '#at = :at',
      ExpressionAttributeNames: { '#at': EXPIRATION },
      ExpressionAttributeValues: { ':at': expiresAt },
    })
    if (!ok && !text.includes('ConditionalCheckFailed')) throw new Error(text)
  }
  return next
}

interface Item {
  id: unknown
  [EXPIRATION]: unknown
}

async function parseResponse<T>(call: ReturnType<DynamoDbCall>): Promise<T> {
  const { ok, text } = await call
  if (!ok) throw new Error(text)
  return JSON.parse(text) as T
}

function seconds(ms: number): { N: string } {
  return { N: String(Math.floor(ms / 1_000)) }
}
