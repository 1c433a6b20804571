import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { callKeyOf, digestOf } from '../../../../shared/dispatch/call-key.ts'
import { itemKeys } from '../../../../shared/state/item-keys.ts'
import { authorizationWith, type LocalCloud, REGION } from '../../cloud/index.ts'
import { ALERT_DEAD_LETTERS, ALERTS, STATE_TABLE } from '../../functions.ts'
import type { TriedNotification, TriedRule } from '../../try-rules.ts'

/** The result of a call of a rule. */
export interface CallResult {
  /** The id of the task, which is that of the call. Empty if there is none. */
  task: string
  /** Why there is none. */
  note: string
}

/** How many alerts wait in the queue, and how many are with the dead letters. */
export interface QueueLengths {
  waiting: number
  deadLetters: number
}

type Item = Record<string, unknown> | undefined

/**
 * Reads the tasks that the calls for a notification have started.
 *
 * @param shown the results with the calls to read
 * @returns a result for each one with a call
 */
export async function readCallResults(
  { dynamodb: endpoint, credentials }: LocalCloud,
  { source, results }: TriedNotification,
  shown: readonly TriedRule[],
  { waiting }: QueueLengths,
): Promise<Map<TriedRule, CallResult>> {
  const [{ DynamoDBClient }, { DynamoDBDocumentClient, GetCommand }] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('@aws-sdk/lib-dynamodb'),
  ])
  const client = new DynamoDBClient({ maxAttempts: 2, endpoint, credentials, region: REGION })
  const documents: DynamoDBDocumentClient = DynamoDBDocumentClient.from(client)
  const read = async (id: string): Promise<Item> =>
    (await documents.send(new GetCommand({ TableName: STATE_TABLE, Key: { id } }))).Item
  try {
    const entries = shown.map(async (tried) => {
      const { rule, call, key, at } = tried
      if (call === undefined || key === undefined) return []
      const item = await readCall(read, source, { rule, key, state: stateOf(results, tried), at })
      return [[tried, resultOf(item, waiting > 0)] as const]
    })
    return new Map((await Promise.all(entries)).flat())
  } finally {
    client.destroy()
  }
}

/** Reads how many alerts wait. */
export async function readQueueLengths(cloud: LocalCloud): Promise<QueueLengths> {
  const [waiting = 0, deadLetters = 0] = await Promise.all(
    [ALERTS, ALERT_DEAD_LETTERS].map(async (queue) => {
      const response = await fetch(cloud.endpoint, {
        method: 'POST',
        headers: {
          authorization: authorizationWith(cloud.credentials),
          'x-amz-target': 'AmazonSQS.GetQueueAttributes',
        },
        body: JSON.stringify({ QueueUrl: queue, AttributeNames: ['ApproximateNumberOfMessages'] }),
      })
      const { Attributes: attributes } = (await response.json()) as { Attributes?: Record<string, string> }
      return Number(attributes?.['ApproximateNumberOfMessages'] ?? 0)
    }),
  )
  return { waiting, deadLetters }
}

/** A rule that closes something decides that the alert has ended, for the other rules, too. */
function stateOf(results: readonly TriedRule[], { alert, key }: TriedRule): 'firing' | 'resolved' {
  const ofAlert = results.filter((other) => other.alert === alert && other.key === key)
  return ofAlert.some(({ state }) => state === 'resolved') ? 'resolved' : 'firing'
}

interface KeyedCall {
  rule: string
  key: string
  state: 'firing' | 'resolved'
  at: number | undefined
}

/** Reads the call for the occurrence that the notification started, or else for the latest one. */
async function readCall(
  read: (id: string) => Promise<Item>,
  source: string,
  { rule, at = 0, ...alert }: KeyedCall,
): Promise<Item> {
  const readOf = (occurrence: number) => read(itemKeys.alertCall(source, digestOf(callKeyOf(alert, rule, occurrence))))
  const own = alert.state === 'firing' ? await readOf(at) : undefined
  if (own) return own
  const { opened } = (await read(itemKeys.alert(source, digestOf(alert.key)))) ?? {}
  return typeof opened === 'number' ? readOf(opened) : undefined
}

function resultOf(item: Item, isQueued: boolean): CallResult {
  if (item?.['taskId'] !== undefined) return { task: String(item['taskId']), note: '' }
  const note = item?.['isGrouped']
    ? 'Counted in the call of its group'
    : item?.['isRefused']
      ? 'Refused: the alert is with the dead letters'
      : isQueued
        ? 'Not called yet: alerts wait in the queue'
        : 'Not called: the alert had ended, or nothing was open'
  return { task: '', note }
}
