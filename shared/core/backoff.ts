import { Failure } from '../errors.ts'

/**
 * How long a request may still be in flight after its sender has ended. A platform or an orchestrator that is asked earlier whether it
 * has received the request may not have it yet.
 */
export const IN_FLIGHT_SECONDS = 60
/** A platform's Retry-After is not followed for longer than this. */
const MAX_RETRY_AFTER_SECONDS = 3_600

/**
 * Returns the seconds until the next attempt: doubles from `min` to `max`, or follows the Retry-After of the failure. Adds up
 * to a quarter, so that tasks that failed together do not retry together.
 *
 * @param attempt the number of attempts so far
 */
export function backoffSeconds(error: Error, attempt: number, min: number, max = min): number {
  const retryAfter = error instanceof Failure ? Math.min(error.retryAfter ?? 0, MAX_RETRY_AFTER_SECONDS) : 0
  const doubled = Math.min(max, min * 2 ** Math.min(attempt - 1, 20))
  return Math.ceil(Math.max(retryAfter, doubled) * (1 + Math.random() / 4))
}
