import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { type Holder, placeStatusOf, type Turn, type TurnPlace } from '../../shared/policy/turns.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import type { Item } from '../../shared/state/table.ts'
import { placeIn, turnIn } from '../../shared/state/turn-table.ts'

/** A target of a rule with `oneAtATime`, its holder and its queue. */
export interface ListedTarget {
  key: string
  target: string
  rule: string
  holder: Holder | undefined
  /** In their order. */
  waiting: TurnPlace[]
  /** The link to a job that a lost task may have left running. */
  leftRunning: string | undefined
}

/**
 * Reads the targets of which tasks have taken turns. It scans the table: the keys of the items are digests.
 *
 * @param config the region, and for the local runtime its endpoint and credentials
 * @throws the error of DynamoDB
 */
export async function readTargets(config: DynamoDBClientConfig, table: string): Promise<ListedTarget[]> {
  const [{ DynamoDBClient }, { DynamoDBDocumentClient, paginateScan }] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('@aws-sdk/lib-dynamodb'),
  ])
  const client = new DynamoDBClient({ maxAttempts: 2, ...config })
  try {
    const query = {
      TableName: table,
      FilterExpression: 'begins_with(id, :turns)',
      ExpressionAttributeValues: { ':turns': itemKeys.turn('') },
    }
    const items: Item[] = []
    for await (const { Items = [] } of paginateScan({ client: DynamoDBDocumentClient.from(client) }, query))
      items.push(...Items)
    return targetsIn(items, Date.now())
  } finally {
    client.destroy()
  }
}

function targetsIn(items: readonly Item[], now: number): ListedTarget[] {
  const places = new Map(items.map((item) => [item['id'], item]))
  return items
    .filter(({ taken }) => taken !== undefined)
    .map((item) => {
      const { id, target, ruleName } = item
      const key = String(id).slice(itemKeys.turn('').length)
      const turn = turnIn(item)
      const waiting = numbersAfter(turn).flatMap((number) => {
        const stored = places.get(itemKeys.turn(key, number))
        const place = stored && placeIn(stored)
        return place && placeStatusOf(place, now) === 'waiting' ? [place] : []
      })
      const { holder, leftRunning } = turn
      return { key, target: String(target), rule: String(ruleName), holder, waiting, leftRunning }
    })
    .sort((a, b) => a.target.localeCompare(b.target) || a.rule.localeCompare(b.rule))
}

function numbersAfter({ serving, next, holder }: Turn): number[] {
  const first = holder ? serving + 1 : serving
  return Array.from({ length: Math.max(0, next - first + 1) }, (_, index) => first + index)
}
