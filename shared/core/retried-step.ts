import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { kindOf, messageOf } from '../errors.ts'
import { log } from '../log.ts'
import { backoffSeconds } from './backoff.ts'

interface RetryOptions<T> {
  maxAttempts: number
  /** Seconds between attempts. Each wait is twice as long as the one before. */
  backoff: { min: number; max: number }
  /** Defaults to every error. */
  isRetryable?(error: unknown): boolean
  /** Returns the step's result when it is not retried again. Without it, the step throws the last error. */
  giveUp?(error: unknown): T
}

/**
 * Runs a durable step with retries.
 *
 * @example
 * await retriedStep(context, 'remind', () => remind(), {
 *   maxAttempts: 5,
 *   backoff: { min: 2, max: 30 },
 *   isRetryable: isTransient,
 *   giveUp: () => null,
 * })
 */
export function retriedStep<T>(
  context: DurableContext,
  name: string,
  run: () => Promise<T>,
  { maxAttempts, backoff, isRetryable = () => true, giveUp }: RetryOptions<T>,
): Promise<T> {
  const shouldRetry = (error: unknown, attempt: number) => attempt < maxAttempts && isRetryable(error)
  return context.step(
    name,
    async ({ attempt }) => {
      try {
        return await run()
      } catch (error) {
        log.warn(`${name} failed`, { attempt, kind: kindOf(error), reason: messageOf(error) })
        if (!giveUp || shouldRetry(error, attempt)) throw error
        return giveUp(error)
      }
    },
    {
      retryStrategy: (error, attempt) => ({
        shouldRetry: shouldRetry(error, attempt),
        delay: { seconds: backoffSeconds(error, attempt, backoff.min, backoff.max) },
      }),
    },
  )
}
