import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { kindOf, messageOf } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import type { Call } from '../call.ts'
import { retriedStep } from '../retried-step.ts'
import { cleanUpJob } from '../run-action.ts'

/** About three hours of retries at the maximum backoff. */
const MAX_CLEANUP_ATTEMPTS = 200
const CLEANUP_TIMEOUT_MS = 60_000
/** A start request that timed out may still reach the platform; wait before the second cleanup. */
const START_IN_FLIGHT_SECONDS = 30
/** Between two attempts. */
const MAX_BACKOFF_SECONDS = 60
/** The time of both cleanups if every attempt fails. */
export const MAX_CLEANUP_MS =
  2 * MAX_CLEANUP_ATTEMPTS * (MAX_BACKOFF_SECONDS * 1_000 + CLEANUP_TIMEOUT_MS) + START_IN_FLIGHT_SECONDS * 1_000

/**
 * Stops everything that this task may have started at the platform. Runs twice: a start request that timed out can still arrive
 * after the first attempt.
 *
 * @returns the reason if the cleanup failed, else undefined
 */
export async function cleanUp(category: Category, call: Call, context: DurableContext): Promise<string | undefined> {
  await tryCleanUp('cleanup', category, call, context)
  await context.wait('in-flight-grace', { seconds: START_IN_FLIGHT_SECONDS })
  return tryCleanUp('cleanup-again', category, call, context)
}

async function tryCleanUp(
  step: string,
  category: Category,
  call: Call,
  context: DurableContext,
): Promise<string | undefined> {
  const { reason } = await retriedStep<{ reason?: string }>(
    context,
    step,
    async () => {
      await cleanUpJob(category, call, Date.now() + CLEANUP_TIMEOUT_MS)
      return {}
    },
    {
      maxAttempts: MAX_CLEANUP_ATTEMPTS,
      backoff: { min: 2, max: MAX_BACKOFF_SECONDS },
      giveUp(error) {
        log.error('cleanup failed', error as Error, { kind: kindOf(error), reason: messageOf(error) })
        return { reason: redact(messageOf(error)) }
      },
    },
  )
  return reason
}
