import { Failure } from '../errors.ts'
import { log } from '../log.ts'
import type { Notification } from '../sources/read-notification.ts'
import { recordNotification } from '../state/source-activity.ts'
import { wakeTasksOf } from '../state/wake.ts'

/** Each one needs requests. */
const MAX_RUNS = 100
/** A source is recorded once in this time, and once more if it wakes a task. */
const RECORD_INTERVAL_MS = 60_000
const recordedAt = new Map<string, number>()

/**
 * Wakes the tasks that wait for the runs of a notification. Wakes none if it reports no end.
 *
 * @returns how many were woken
 * @throws Failure `invalid` for too many runs, `unavailable` if a task was perhaps not woken
 */
export async function wakeTasksFor(source: string, { kind, event, runs }: Notification): Promise<number> {
  const ended = kind === 'ended' ? runs : []
  if (ended.length > MAX_RUNS)
    throw new Failure('invalid', `The notification names ${ended.length} runs. Send at most ${MAX_RUNS} at once.`)
  const woken = (await Promise.all(ended.map((run) => wakeTasks(source, run)))).reduce((sum, count) => sum + count, 0)
  await record(source, event, woken > 0)
  return woken
}

async function wakeTasks(source: string, run: string): Promise<number> {
  try {
    return await wakeTasksOf(source, run)
  } catch (cause) {
    throw new Failure('unavailable', 'The tasks that wait for this could not be woken. Send the notification again.', {
      retryAfter: 5,
      cause,
    })
  }
}

/** Does not throw: the record only serves people who look for a silent source. */
async function record(source: string, event: string, hasWoken: boolean): Promise<void> {
  const key = `${source} ${hasWoken}`
  if (Date.now() - (recordedAt.get(key) ?? 0) < RECORD_INTERVAL_MS) return
  recordedAt.set(key, Date.now())
  try {
    await recordNotification(source, event, hasWoken)
  } catch (error) {
    log.warn('notification not recorded', error as Error)
  }
}
