import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { log } from '../../log.ts'
import type { StartedJob } from '../../providers/action.ts'
import { recordMissedEnd } from '../../state/source-activity.ts'
import { addWaitingTask, readWaiter, removeWaiter, removeWaitingTask, saveWaiter } from '../../state/waiters.ts'
import { type PollState, type PollTarget, pollOnce, type Schedule, stateBefore } from './poll.ts'
import {
  beforeDeadline,
  MIN_INTERVAL_SECONDS,
  secondsToNextPoll,
  secondsToNextPollOfSource,
  secondsUntil,
} from './poll-interval.ts'
import { startTimeOf } from './start-time.ts'
import { type WakeUp, waitUntilDoneOrWoken } from './wait.ts'

/** State that is checkpointed between two polls. */
interface SourceState extends PollState {
  /** The round whose wake-up is saved, and the ids of the job for which the task is saved. */
  saved?: { round: number; wakeIds: string[] } | undefined
  /** When the task was woken last. */
  wokenAt?: number | undefined
  /** The task was woken, and the state after its last poll has not been read yet. */
  isStale?: boolean | undefined
}

/** The facts that all polls of a task share. */
interface SourceWait {
  target: PollTarget
  source: string
  /** Epoch milliseconds. */
  until: number
  taskStartedAt: number
}

/** Seconds since a wake-up: a platform may notify before its API shows the end. */
const POLLS_AFTER_WAKE_UP = [2, 5, 10, 30]
/** Heartbeats and progress are sent with a poll. */
const MAX_REPORT_SECONDS = 60
const READ_AGAIN_SECONDS = 2

/**
 * Polls a job like `poll`, but seldom, because the task is woken: by the source when the job ends, and by a request to cancel it.
 *
 * @param until in epoch milliseconds
 * @param source the name of the source
 */
export function pollWithSource(
  context: DurableContext,
  target: PollTarget,
  { job, wakeId }: StartedJob,
  until: number,
  source: string,
): Promise<PollState> {
  const wait = { target, source, until, taskStartedAt: startTimeOf(context) }
  return waitUntilDoneOrWoken<SourceState>(context, 'poll', {
    initialState: { ...stateBefore(job), wakeId },
    check: (state, wakeUp) => saveAndPoll(wait, state, wakeUp),
    checkWhenWoken: (state) =>
      saveAndPoll(wait, { ...state, nextPollIn: undefined, wokenAt: Date.now(), isStale: true }, undefined),
  })
}

/** Saves how to wake the task, and polls. In the reverse order, a notification between the two would be lost. Does not throw. */
async function saveAndPoll(
  wait: SourceWait,
  previous: SourceState,
  wakeUp: WakeUp | undefined,
  isRepeated = false,
): Promise<SourceState> {
  const before = previous.isStale ? await readLastState(wait, previous) : previous
  if (before.isStale) return before
  const { wokenAt } = before
  const saved = wakeUp ? await save(wait, before, wakeUp) : before.saved
  const isWakeable = wakeUp !== undefined && saved?.round === wakeUp.round && saved.wakeIds.length > 0
  const polled = await pollOnce(before, wait.target, wait.until, scheduleOf(wait, wokenAt, isWakeable))
  const state: SourceState = { ...polled, saved, wokenAt }
  if (state.nextPollIn === undefined) {
    await forget(wait, saved)
    if (isMissed(before, state)) await reportMissedEnd(wait)
  } else if (wakeUp && isChanged(before, state)) {
    const changed = { ...state, saved: saved && { ...saved, round: -1 } }
    // A notification may have named the job by its new id before this was saved.
    if (state.wakeId !== before.wakeId && !isRepeated) return saveAndPoll(wait, changed, wakeUp, true)
    return { ...state, saved: await save(wait, changed, wakeUp) }
  }
  return state
}

/** Whether a poll has changed what the first poll after a wake-up must know. */
function isChanged(before: SourceState, after: SourceState): boolean {
  return JSON.stringify(memoryOf(before)) !== JSON.stringify(memoryOf(after))
}

function memoryOf({ job, wakeId, lastProgress }: SourceState) {
  return { job, wakeId, lastProgress }
}

/**
 * Returns when to poll next. `minSeconds` and `maxSeconds` of a job apply as without a source.
 *
 * @param wokenAt epoch milliseconds
 * @param isWakeable without it, the job is polled as if there were no source
 */
function scheduleOf({ target: { reports } }: SourceWait, wokenAt = 0, isWakeable: boolean): Schedule {
  return (elapsed, remaining, min = 0, max = Number.POSITIVE_INFINITY) => {
    const limit = reports.heartbeat || reports.progress ? Math.min(max, MAX_REPORT_SECONDS) : max
    const interval =
      secondsUntil(POLLS_AFTER_WAKE_UP, (Date.now() - wokenAt) / 1_000) ??
      (isWakeable ? secondsToNextPollOfSource(elapsed) : undefined)
    if (interval === undefined) return secondsToNextPoll(elapsed, remaining, min || undefined, limit)
    return beforeDeadline(Math.min(Math.max(min, interval), limit), remaining)
  }
}

/** Saves how to wake the task and what it must know then, unless that is saved. Does not throw: a task that is not saved polls. */
async function save(
  { target: { call }, source, taskStartedAt }: SourceWait,
  state: SourceState,
  { callbackId, round }: WakeUp,
): Promise<SourceState['saved']> {
  const { saved, wakeId } = state
  const { category, id: taskId } = call
  const known = saved?.wakeIds ?? []
  const isNew = wakeId !== undefined && !known.includes(wakeId)
  const wakeIds = isNew ? [...known, wakeId] : known
  try {
    if (saved?.round !== round) {
      const memory = { ...memoryOf(state), startedAt: state.startedAt || Date.now(), wakeIds }
      const waiter = { callbackId, startedAt: taskStartedAt, round, state: JSON.stringify(memory) }
      await saveWaiter(category, taskId, waiter)
    }
    if (isNew) await addWaitingTask(source, wakeId, { category, taskId })
    return { round, wakeIds }
  } catch (error) {
    log.warn('wake-up not saved: the job is polled', error as Error)
    return saved && { ...saved, round: -1 }
  }
}

/** Returns the state after the last poll before the wake-up, which no operation of the execution returns. Does not throw. */
async function readLastState(
  { target: { call }, until, taskStartedAt }: SourceWait,
  previous: SourceState,
): Promise<SourceState> {
  try {
    const { state, round = -1 } = (await readWaiter(call.category, call.id)) ?? {}
    if (state === undefined) return { ...previous, startedAt: previous.startedAt || taskStartedAt, isStale: undefined }
    const { wakeIds, ...memory } = JSON.parse(state)
    return { ...previous, ...memory, saved: { round, wakeIds }, isStale: undefined }
  } catch (error) {
    log.warn('state before the wake-up not read', error as Error)
    return { ...previous, nextPollIn: beforeDeadline(READ_AGAIN_SECONDS, (until - Date.now()) / 1_000) }
  }
}

/** Whether a poll noticed an end of which the source had at least a minute to notify us. */
function isMissed({ nextPollIn = 0 }: SourceState, { outcome, saved }: SourceState): boolean {
  return outcome !== undefined && saved !== undefined && saved.wakeIds.length > 0 && nextPollIn >= MIN_INTERVAL_SECONDS
}

/** Does not throw: the report only serves people who look for a silent source. */
async function reportMissedEnd({ source }: SourceWait): Promise<void> {
  log.info('end noticed without a notification', { missedEnd: true, source })
  try {
    await recordMissedEnd(source)
  } catch (error) {
    log.warn('missed end not recorded', error as Error)
  }
}

/** Deletes what was saved. Does not throw: the table deletes it later, and waking an ended task does nothing. */
async function forget({ target: { call }, source }: SourceWait, saved: SourceState['saved']): Promise<void> {
  if (!saved) return
  try {
    await removeWaiter(call.category, call.id)
    for (const wakeId of saved.wakeIds) await removeWaitingTask(source, wakeId, call.id)
  } catch (error) {
    log.warn('wake-up not deleted', error as Error)
  }
}
