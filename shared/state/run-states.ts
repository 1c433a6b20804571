import { dynamodb, GetItemCommand, PutItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts'
import { Failure } from '../errors.ts'
import { settings } from '../settings.ts'
import { itemKeys } from './item-keys.ts'

/**
 * The states of runs that no platform knows, since they go on inside of a task: where another call sees how one is, and
 * says that it is to stop. Loaded when first used, since it loads the AWS SDK.
 */

/** How long a run is remembered, in seconds: longer than a deadline may be. */
const remembered = 31 * 86_400

/**
 * Notes a new run; one that is there already keeps its state.
 *
 * @throws Failure `unavailable`
 */
export async function noteRun(id: string, state: string): Promise<void> {
  const expiration = { N: String(Math.floor(Date.now() / 1_000) + remembered) }
  await unlessChanged(() =>
    dynamodb.send(
      new PutItemCommand({
        TableName: settings.idempotencyTable,
        Item: { ...keyOf(id), state: { S: state }, expiration },
        ConditionExpression: 'attribute_not_exists(id)',
      }),
    ),
  )
}

/**
 * @returns undefined where there is no such run, or it is forgotten
 * @throws Failure `unavailable`
 */
export async function stateOfRun(id: string): Promise<string | undefined> {
  try {
    const { Item: item } = await dynamodb.send(
      new GetItemCommand({ TableName: settings.idempotencyTable, Key: keyOf(id), ConsistentRead: true }),
    )
    return item?.['state']?.S
  } catch (cause) {
    throw unavailable(cause)
  }
}

/**
 * Changes the state of a run, unless it is another by now than one of those.
 *
 * @throws Failure `unavailable`
 */
export async function changeRun(id: string, from: readonly string[], to: string): Promise<void> {
  const before = Object.fromEntries(from.map((state, at) => [`:from${at}`, { S: state }]))
  await unlessChanged(() =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName: settings.idempotencyTable,
        Key: keyOf(id),
        UpdateExpression: 'SET #state = :to',
        ConditionExpression: `#state IN (${Object.keys(before).join(', ')})`,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':to': { S: to }, ...before },
      }),
    ),
  )
}

function keyOf(id: string) {
  return { id: { S: itemKeys.run(id) } }
}

async function unlessChanged(write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (cause) {
    if ((cause as Error).name !== 'ConditionalCheckFailedException') throw unavailable(cause)
  }
}

function unavailable(cause: unknown): Failure {
  return new Failure('unavailable', 'The table of runs can not be used now.', { cause })
}
