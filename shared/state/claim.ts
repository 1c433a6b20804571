import { dynamodb, PutItemCommand } from '../aws/dynamodb.ts'
import { settings } from '../settings.ts'

/** For as long as an ended execution is known, in seconds: after that nobody comes for it. */
const remembered = 14 * 86_400
/** How long the table may take, in milliseconds: the SDK itself would wait for longer than an invocation lasts. */
const timeToClaim = 5_000

/**
 * Takes a name: of several executions that come for the same thing, one gets it. Loaded when first used, since it loads the AWS SDK.
 *
 * @param owner who takes it, and gets it again when asked again
 * @param anew takes it from whoever has it
 * @returns false where another has it
 * @throws the SDK's own error
 */
export async function claim(name: string, owner: string, anew: boolean): Promise<boolean> {
  const condition = {
    ConditionExpression: 'attribute_not_exists(id) OR claimedBy = :owner',
    ExpressionAttributeValues: { ':owner': { S: owner } },
  }
  try {
    await dynamodb.send(
      new PutItemCommand({
        TableName: settings.idempotencyTable,
        Item: {
          id: { S: name },
          claimedBy: { S: owner },
          expiration: { N: String(Math.floor(Date.now() / 1_000) + remembered) },
        },
        ...(anew ? {} : condition),
      }),
      { abortSignal: AbortSignal.timeout(timeToClaim) },
    )
    return true
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false
    throw error
  }
}
