import { parseDuration } from '../duration.ts'
import { log } from '../log.ts'
import { settings } from '../settings.ts'

/** Returns how long an approval may wait before an alarm, in seconds. */
export function secondsToAlarm(): number {
  const duration = settings.approvalAlarm
  return duration === undefined ? Number.POSITIVE_INFINITY : parseDuration(duration, 'WEBHOOKS_APPROVAL_ALARM')
}

/** Writes the line that the alarm counts. @param deadlineAt epoch milliseconds */
export function warnOverdue(deadlineAt: number): void {
  log.warn('approval waits', { approvalWaits: true, deadlineAt: new Date(deadlineAt).toISOString() })
}
