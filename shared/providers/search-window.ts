import { checkFirst, type Failure, outcomeUnknown } from '../errors.ts'

/** Repeated calls count as repeats for a day; the rest is a margin for clocks. */
const REPEAT_WINDOW_MS = 25 * 3_600_000
/** A task can run for a month. */
export const MAX_TASK_MS = 31 * 24 * 3_600_000

/**
 * Returns how far back to search for the object that carries an idempotency key.
 *
 * @param isRetry `client.isRetry`: an earlier attempt of the task may have created the object when the task started
 * @example query: { created_after: searchSince(isRetry).toISOString() }
 */
export function searchSince(isRetry: boolean): Date {
  return new Date(Date.now() - (isRetry ? MAX_TASK_MS : REPEAT_WINDOW_MS))
}

/**
 * Returns the error for a retry whose search does not reach everything that is newer than the first attempt.
 *
 * @param effect of the first attempt: `opened the issue`
 */
export function searchIncomplete(title: string, effect: string): Failure {
  return outcomeUnknown(
    `It is unknown whether an earlier attempt ${effect}, because the search does not reach back to it. Nothing was written again. ${checkFirst(title)}`,
  )
}
