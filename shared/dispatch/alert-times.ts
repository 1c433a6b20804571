import type { AlertTimes } from '../state/alerts.ts'

/** A notification about an alert, and what it means after those that were handled before. */
export interface Transition {
  /** The times to save. */
  times: AlertTimes
  /** The start of the occurrence that the notification is about. Undefined if it starts nothing and ends nothing. */
  occurrence: number | undefined
}

/** More would only be needed if an alert fires that often while its first end waits. */
const MAX_EARLIER = 100

/**
 * Returns what a notification about an alert means. Notifications arrive more than once, and in any order. An occurrence is identified by
 * its start, so an alert that fires again after its end is a new occurrence. The end of an earlier one may still wait.
 *
 * @param at when the state changed: 0 if the source uses no key twice, so that an alert that has ended never fires again
 */
export function transitionOf(
  { opened, closed, earlier = [] }: AlertTimes,
  { state, at }: { state: 'firing' | 'resolved'; at: number },
): Transition {
  const times = { opened, closed, earlier }
  if (state === 'resolved') {
    if (opened !== undefined && at < opened) return { times, occurrence: earlier.findLast((start) => start <= at) }
    return { times: { ...times, closed: Math.max(closed ?? at, at) }, occurrence: opened }
  }
  // Even if the alert has ended in the meantime: the end waits for what its start has opened.
  if (at === opened || earlier.includes(at)) return { times, occurrence: at }
  if (closed !== undefined && at <= closed) return { times, occurrence: undefined }
  const isFiring = opened !== undefined && (closed === undefined || closed < opened)
  if (isFiring) return { times, occurrence: opened }
  const starts = opened === undefined ? earlier : [...earlier, opened].slice(-MAX_EARLIER)
  return { times: { opened: at, closed, earlier: starts }, occurrence: at }
}
