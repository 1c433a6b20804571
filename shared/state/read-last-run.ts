import { dynamodb, GetItemCommand } from '../aws/dynamodb.ts'
import { Failure } from '../errors.ts'
import { settings } from '../settings.ts'

/**
 * Reads the id that `saveLastRun` saved. Loaded when first used, since it loads the AWS SDK.
 *
 * @returns undefined if no run was started, or if it was too long ago
 * @throws Failure `unavailable`
 */
export async function readLastRun(key: string): Promise<string | undefined> {
  try {
    const { Item: item } = await dynamodb.send(
      new GetItemCommand({ TableName: settings.idempotencyTable, Key: { id: { S: key } }, ConsistentRead: true }),
    )
    return item?.['runId']?.S
  } catch (cause) {
    throw new Failure('unavailable', 'The table of started runs cannot be used now: send the call again.', { cause })
  }
}
