import { dynamodb, PutItemCommand } from '../aws/dynamodb.ts'
import { log } from '../log.ts'
import { settings } from '../settings.ts'

/** In seconds: longer than a deadline may be. */
const TTL_SECONDS = 31 * 86_400
const WRITE_TIMEOUT_MS = 2_000

/**
 * Saves the id of the newest run of a caller in a context, so that a later call can stop it without knowing its id. A run
 * that is not saved can still be stopped by its id. Loaded when first used, since it loads the AWS SDK.
 */
export async function saveLastRun(key: string, runId: string): Promise<void> {
  const expiration = { N: String(Math.floor(Date.now() / 1_000) + TTL_SECONDS) }
  try {
    await dynamodb.send(
      new PutItemCommand({
        TableName: settings.idempotencyTable,
        Item: { id: { S: key }, runId: { S: runId }, expiration },
      }),
      { abortSignal: AbortSignal.timeout(WRITE_TIMEOUT_MS) },
    )
  } catch (error) {
    log.warn('the started run was not saved, so input.id=last does not find it', error as Error)
  }
}
