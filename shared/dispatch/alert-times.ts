import type { AlertTimes } from '../state/alerts.ts'

/** A notification about an alert, and what it means after those that were handled before. */
export interface Transition {
  /** The times to save. */
  times: AlertTimes
  /** The start of the occurrence that the notification is about. Undefined if it starts nothing and ends nothing. */
  occurrence: number | undefined
  /** Whether it is a later start of the occurrence: a repeat, unless an end from before arrives. */
  isLaterStart?: boolean
  /** The later start that is an occurrence of its own, because the notification ends the one before. */
  reopened?: number
}

/** More would only be needed if an alert fires that often while its first end waits. */
const MAX_EARLIER = 100

/**
 * Returns what a notification about an alert means. Notifications arrive more than once, and in any order. An occurrence is identified by
 * its start, so an alert that fires again after its end is a new occurrence. The end of an earlier one may still wait.
 *
 * @param at when the state changed: 0 if the source uses no key twice, so that an alert that has ended never fires again. An end without a
 * time ends what is open
 */
export function transitionOf(times: AlertTimes, change: { state: 'firing' | 'resolved'; at: number }): Transition {
  return change.state === 'firing' ? startOf(times, change.at) : endOf(times, change.at)
}

function startOf({ opened, closed, earlier = [], newest }: AlertTimes, at: number): Transition {
  const times = { opened, closed, earlier, newest }
  // Even if the alert has ended in the meantime: its end waits until the start has opened something.
  if (at === opened || earlier.includes(at)) return { times, occurrence: at }
  if (closed !== undefined && at <= closed) return { times, occurrence: undefined }
  if (!isOpen(times)) return { times: { opened: at, closed, earlier: startsBefore(times) }, occurrence: at }
  if (at < (opened ?? 0)) return { times, occurrence: opened }
  return { times: { ...times, newest: Math.max(newest ?? at, at) }, occurrence: opened, isLaterStart: true }
}

function endOf({ opened, closed, earlier = [], newest }: AlertTimes, sentAt: number): Transition {
  const times = { opened, closed, earlier, newest }
  const at = sentAt === 0 ? (newest ?? opened ?? 0) : sentAt
  const ended = Math.max(closed ?? at, at)
  if (opened === undefined) return { times: { ...times, closed: ended }, occurrence: undefined }
  // It arrives late. If it has made the start after it an occurrence, an interruption has perhaps left calls of that one.
  if (at < opened)
    return { times, occurrence: earlier.findLast((start) => start <= at), ...(isOpen(times) && { reopened: opened }) }
  if (newest !== undefined && at < newest)
    return {
      times: { opened: newest, closed: ended, earlier: startsBefore(times) },
      occurrence: opened,
      reopened: newest,
    }
  return { times: { opened, closed: ended, earlier }, occurrence: opened }
}

/** Whether an alert fires. */
export function isOpen({ opened, closed }: AlertTimes): boolean {
  return opened !== undefined && (closed === undefined || closed < opened)
}

/** Returns the starts before the next occurrence. */
function startsBefore({ opened, earlier = [] }: AlertTimes): readonly number[] {
  return opened === undefined ? earlier : [...earlier, opened].slice(-MAX_EARLIER)
}
