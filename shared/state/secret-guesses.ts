import { dynamodb, UpdateItemCommand } from '../aws/dynamodb.ts'
import { settings } from '../settings.ts'
import { itemKeys } from './item-keys.ts'

const HOUR_SECONDS = 3_600
const TIMEOUT_MS = 2_000

/**
 * Counts a call that contained a stored credential. Loaded when first used, since it loads the AWS SDK.
 *
 * @returns how many such calls the caller has made in this clock hour
 * @throws the SDK's own error
 */
export async function countGuess(category: string, caller: string): Promise<number> {
  const now = Math.floor(Date.now() / 1_000)
  const hour = Math.floor(now / HOUR_SECONDS)
  const { Attributes } = await dynamodb.send(
    new UpdateItemCommand({
      TableName: settings.idempotencyTable,
      Key: { id: { S: itemKeys.guesses(category, `${caller}#${hour}`) } },
      UpdateExpression: 'ADD guesses :one SET expiration = :end',
      ExpressionAttributeValues: { ':one': { N: '1' }, ':end': { N: String((hour + 2) * HOUR_SECONDS) } },
      ReturnValues: 'UPDATED_NEW',
    }),
    { abortSignal: AbortSignal.timeout(TIMEOUT_MS) },
  )
  return Number(Attributes?.['guesses']?.N ?? 1)
}
