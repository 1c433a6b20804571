/** A call of DynamoDB's API. */
export type Call = (operation: string, request: object) => Promise<{ ok: boolean; text: string }>

/** The attribute that says when an item is to be forgotten, in seconds since 1970, as the stack's table has it. */
const attribute = 'expiration'
/** A part of the table every so often, so that it is never much at once. */
export interface Expiry {
  /** Of one look. */
  items: number
  everyMs: number
}
const gently: Expiry = { items: 500, everyMs: 10_000 }

/**
 * DynamoDB's time to live, which dynalite does not have: items whose time has come are deleted, some minutes later.
 *
 * @param call of the server that has the table
 * @returns what ends it, and waits for the look that is under way: dynalite breaks where its store is closed meanwhile
 */
export function expireItems(call: Call, table: string, { items, everyMs }: Expiry = gently): () => Promise<void> {
  let next: unknown
  let looking: Promise<void> | undefined
  const look = async () => {
    try {
      next = await expirePage(call, table, items, next)
    } catch (error) {
      // The next look begins anew; what is kept too long does no harm.
      next = undefined
      console.error('Expired items could not be deleted:', error)
    } finally {
      looking = undefined
    }
  }
  const timer = setInterval(() => {
    looking ??= look()
  }, everyMs).unref()
  return async () => {
    clearInterval(timer)
    await looking
  }
}

/** @returns where the next page begins; undefined at the end of the table */
async function expirePage(call: Call, table: string, limit: number, from: unknown): Promise<unknown> {
  const { Items: expired, LastEvaluatedKey: next } = await answered<{ Items: Item[]; LastEvaluatedKey?: unknown }>(
    call('Scan', {
      TableName: table,
      Limit: limit,
      FilterExpression: '#at < :now',
      ProjectionExpression: 'id, #at',
      ExpressionAttributeNames: { '#at': attribute },
      ExpressionAttributeValues: { ':now': seconds(Date.now()) },
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    }),
  )
  for (const { id, [attribute]: at } of expired) {
    // Not one that was written anew since.
    const { ok, text } = await call('DeleteItem', {
      TableName: table,
      Key: { id },
      ConditionExpression: '#at = :at',
      ExpressionAttributeNames: { '#at': attribute },
      ExpressionAttributeValues: { ':at': at },
    })
    if (!ok && !text.includes('ConditionalCheckFailed')) throw new Error(text)
  }
  return next
}

interface Item {
  id: unknown
  [attribute]: unknown
}

async function answered<T>(call: ReturnType<Call>): Promise<T> {
  const { ok, text } = await call
  if (!ok) throw new Error(text)
  return JSON.parse(text) as T
}

function seconds(ms: number): { N: string } {
  return { N: String(Math.floor(ms / 1_000)) }
}
