import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { callKeyOf, digestOf } from '../../../../shared/dispatch/call-key.ts'
import { itemKeys } from '../../../../shared/state/item-keys.ts'
import { type LocalCloud, REGION } from '../../cloud/index.ts'
import { STATE_TABLE } from '../../functions.ts'
import type { TriedNotification, TriedRule } from '../../try-rules.ts'

/** The result of a call of a rule. */
export interface CallResult {
  /** The id of the task, which is that of the call. Empty if there is none. */
  task: string
  /** Why there is none. */
  note: string
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
      const result = await readResult(read, source, { rule, key, state: stateOf(results, tried), at })
      return [[tried, result] as const]
    })
    return new Map((await Promise.all(entries)).flat())
  } finally {
    client.destroy()
  }
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
async function readResult(
  read: (id: string) => Promise<Item>,
  source: string,
  { rule, at = 0, ...alert }: KeyedCall,
): Promise<CallResult> {
  const readCall = (occurrence: number) =>
    read(itemKeys.alertCall(source, digestOf(callKeyOf(alert, rule, occurrence))))
  const own = alert.state === 'firing' ? await readCall(at) : undefined
  if (own) return resultIn(own)
  const times = await read(itemKeys.alert(source, digestOf(alert.key)))
  if (!times) return { task: '', note: WAITS }
  const { opened } = times
  const latest = typeof opened === 'number' ? await readCall(opened) : undefined
  if (latest) return resultIn(latest)
  const reason =
    alert.state === 'firing' ? 'the alert had ended' : 'nothing is open, or the task that opens it still runs'
  return { task: '', note: `Not called: ${reason}` }
}

const WAITS = 'Not called yet'

function resultIn({ taskId, isGrouped, isRefused }: NonNullable<Item>): CallResult {
  if (taskId !== undefined) return { task: String(taskId), note: '' }
  const refused = isRefused ? 'Refused: the alert is with the dead letters' : WAITS
  return { task: '', note: isGrouped ? 'Counted in the call of its group' : refused }
}
