import { expiresIn, put, putIfAbsent } from './table.ts'

/** As long as Lambda keeps an ended execution. */
const TTL_SECONDS = 14 * 86_400
/** All attempts of the client together may take longer than an invocation. */
const TIMEOUT_MS = 5_000

/**
 * Claims a name for one of several executions. The owner of a claim may repeat it.
 *
 * @param force takes the claim from its owner
 * @returns false if the name has another owner
 * @throws the error of DynamoDB
 */
export async function claim(name: string, owner: string, force: boolean): Promise<boolean> {
  const item = { claimedBy: owner, ...expiresIn(TTL_SECONDS) }
  if (force) return put(name, item, { timeoutMs: TIMEOUT_MS })
  return putIfAbsent(name, item, { condition: 'claimedBy = :owner', values: { owner }, timeoutMs: TIMEOUT_MS })
}
