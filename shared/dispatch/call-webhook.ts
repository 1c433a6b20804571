import { invokeFunction } from '../aws/lambda.ts'
import type { SourceCall, SourceRefusal, SourceResult } from '../core/direct/source-call.ts'
import { settings } from '../settings.ts'
import { RefusedCall, RetryLater } from './results.ts'

const TIMEOUT_MS = 28_000

/**
 * Invokes the webhook of a category.
 *
 * @throws RetryLater, even if the call may have been accepted: the same call again is not made twice; Refused
 */
export async function callWebhook(
  category: string,
  call: SourceCall,
): Promise<Exclude<SourceResult, { refusal: SourceRefusal }>> {
  const webhook = settings.webhookFunctions[category]
  if (webhook === undefined) throw new RefusedCall(`The category ${category} is not deployed.`)
  const result = await invoke(webhook, call)
  if (!('refusal' in result)) return result
  const { message, isTransient, retryAfter } = result.refusal
  throw isTransient ? new RetryLater(message, retryAfter) : new RefusedCall(message)
}

async function invoke(webhook: string, call: SourceCall): Promise<SourceResult> {
  try {
    const result = await invokeFunction(webhook, call, TIMEOUT_MS)
    if (['taskId', 'status', 'refusal'].some((name) => Object.hasOwn(result, name))) return result as SourceResult
    throw new Error('The webhook returned no result.')
  } catch (error) {
    throw new RetryLater(`The webhook did not respond: ${(error as Error).message}`)
  }
}
