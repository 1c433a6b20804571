import { Failure } from '../errors.ts'

/** Nobody is left alone for longer than this because of a wish of theirs, in seconds. */
const longestWish = 3_600

/**
 * Seconds until the next try: doubles from `first` to `longest`, or is what the other side asked for; up to a quarter more,
 * so that hundreds of tasks that failed together do not come again together.
 *
 * @param attempt how many tries there were
 */
export function backoffSeconds(error: Error, attempt: number, first: number, longest: number): number {
  const asked = error instanceof Failure ? Math.min(error.retryAfter ?? 0, longestWish) : 0
  const doubled = Math.min(longest, first * 2 ** Math.min(attempt - 1, 20))
  return Math.ceil(Math.max(asked, doubled) * (1 + Math.random() / 4))
}
