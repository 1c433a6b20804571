import { itemKeys } from './item-keys.ts'
import { expiresIn, type Item, update } from './table.ts'

/** Stores when a source notified us, so that people notice a source that does so no longer: polls still find the ends of its jobs. */

const TTL_SECONDS = 31 * 86_400
const TIMEOUT_MS = 2_000
/** A notification arrives within seconds. A poll notices an end at most ten minutes later, and a delivery is recorded once a minute. */
const SILENT_AFTER_MS = 12 * 60_000

/** Times are epoch milliseconds. */
export interface SourceActivity {
  /** When the last notification arrived, and the sender's name for it. */
  notifiedAt?: number | undefined
  event?: string | undefined
  /** When a notification last woke a task. */
  wokenAt?: number | undefined
  /** When a poll last noticed an end of which the source had not notified us, and how many there are since the last wake-up. */
  missedAt?: number | undefined
  missed: number
}

/**
 * Records a notification.
 *
 * @param event the sender's name for it
 * @param hasWoken whether it has woken a task
 * @throws the error of DynamoDB
 */
export async function recordNotification(source: string, event: string, hasWoken: boolean): Promise<void> {
  const woken = hasWoken ? ', wokenAt = :now, missed = :none' : ''
  await update(
    itemKeys.sourceActivity(source),
    `SET notifiedAt = :now, event = :event, expiration = :expiration${woken}`,
    {
      values: { now: Date.now(), event, ...(hasWoken ? { none: 0 } : {}), ...expiresIn(TTL_SECONDS) },
      timeoutMs: TIMEOUT_MS,
    },
  )
}

/**
 * Records that a poll noticed an end of which the source had not notified us.
 *
 * @throws the error of DynamoDB
 */
export async function recordMissedEnd(source: string): Promise<void> {
  await update(itemKeys.sourceActivity(source), 'SET missedAt = :now, expiration = :expiration ADD missed :one', {
    values: { now: Date.now(), one: 1, ...expiresIn(TTL_SECONDS) },
    timeoutMs: TIMEOUT_MS,
  })
}

/**
 * Returns the activity of a source.
 *
 * @param item of the source; undefined if nothing is recorded
 */
export function activityIn({ notifiedAt, event, wokenAt, missedAt, missed }: Item = {}): SourceActivity {
  const time = (value: unknown) => (typeof value === 'number' ? value : undefined)
  return {
    notifiedAt: time(notifiedAt),
    event: typeof event === 'string' ? event : undefined,
    wokenAt: time(wokenAt),
    missedAt: time(missedAt),
    missed: Number(missed ?? 0),
  }
}

/** Whether a job has ended, and the source has sent nothing for longer than a notification needs. */
export function isSilent({ notifiedAt = 0, missedAt }: SourceActivity): boolean {
  return missedAt !== undefined && missedAt - notifiedAt > SILENT_AFTER_MS
}
