/** When to poll a job: with a source that notifies us of its end, and without one. */

export const MIN_POLL_SECONDS = 2
/** Longer only if the deadline is more than a day away. */
const MAX_POLL_SECONDS = 60
/** An execution may have 3,000 operations. This leaves enough for starting the job and sending the answer. */
const MAX_POLLS = 1_500

/** Seconds since the first poll. Then each interval is as long as the time that has passed. */
const FIRST_POLLS = [2, 10, 30]
export const MIN_INTERVAL_SECONDS = 60
/** So late is the result if every notification is lost. */
const MAX_INTERVAL_SECONDS = 600

/** Returns the seconds until the next poll: see `secondsToNextPoll`. */
export type Schedule = (elapsed: number, remaining: number, min?: number, max?: number) => number | undefined

/**
 * Returns the seconds until the next poll. The last poll is just before the deadline.
 *
 * @param elapsed seconds since the first poll
 * @param remaining seconds until the deadline
 * @param min is ignored if the deadline comes first
 * @returns undefined if the deadline has passed
 */
export function secondsToNextPoll(
  elapsed: number,
  remaining: number,
  min = MIN_POLL_SECONDS,
  max = Number.POSITIVE_INFINITY,
): number | undefined {
  const ceiling = Math.max(MAX_POLL_SECONDS, (elapsed + remaining) / MAX_POLLS)
  const interval = Math.max(min, Math.min(ceiling, elapsed / 5))
  return beforeDeadline(Math.min(interval, max), remaining)
}

/** Returns full seconds that end before the deadline. Undefined if the deadline has passed. */
export function beforeDeadline(interval: number, remaining: number): number | undefined {
  return remaining <= 1 ? undefined : Math.max(1, Math.floor(Math.min(interval, remaining - 1)))
}

/**
 * Returns the seconds until the next poll of a job of whose end a source notifies us.
 *
 * @param elapsed seconds since the first poll
 */
export function secondsToNextPollOfSource(elapsed: number): number {
  return secondsUntil(FIRST_POLLS, elapsed) ?? Math.max(MIN_INTERVAL_SECONDS, Math.min(elapsed, MAX_INTERVAL_SECONDS))
}

/** Returns the seconds until the next of some times. Undefined if all have passed. */
export function secondsUntil(times: readonly number[], elapsed: number): number | undefined {
  const next = times.find((time) => time > elapsed + 0.5)
  return next === undefined ? undefined : Math.ceil(next - elapsed)
}
