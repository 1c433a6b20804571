import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { log } from '../../log.ts'
import { recordMissedEnd } from '../../state/source-activity.ts'
import { addWaitingTask, readWaiter, removeWaiter, removeWaitingTask, saveWaiter } from '../../state/waiters.ts'
import {
  beforeDeadline,
  MIN_INTERVAL_SECONDS,
  type Schedule,
  secondsToNextPoll,
  secondsToNextPollOfSource,
  secondsUntil,
} from './poll-interval.ts'
import { startTimeOf } from './start-time.ts'
import { type WaitState, type WakeUp, waitUntilDoneOrWoken } from './wait.ts'

/** The parts of the state between two polls that a wait with a source needs. */
interface PolledState extends WaitState {
  startedAt: number
  /** The id by which notifications name what the task waits for. */
  wakeId?: string | undefined
}

/** The polls of a task, and the source that ends the wait between them. */
interface SourceWait<S extends PolledState> {
  task: { category: string; id: string }
  source: string
  /** When to give up, in epoch milliseconds. */
  until: number
  initialState: S
  /** Polls once. Must not throw. */
  poll(state: S, schedule: Schedule): Promise<S>
  /** Maximum seconds between two polls, if messages are sent with them. */
  maxSeconds?: number | undefined
  /** Returns what the first poll after a wake-up must know. */
  memoryOf(state: S): object
  /** Whether a poll found the end. */
  hasEnded(state: S): boolean
}

/** The round whose wake-up is saved, and the ids for which the task is saved. */
interface Saved {
  round: number
  wakeIds: string[]
}

/** State that is checkpointed between two polls. */
type SourceState<S> = S & {
  saved?: Saved | undefined
  /** When the task was woken last. */
  wokenAt?: number | undefined
  /** The task was woken, and the state after its last poll has not been read yet. */
  isStale?: boolean | undefined
}

/** Seconds since a wake-up: a platform may notify before its API shows the end. */
const POLLS_AFTER_WAKE_UP = [2, 5, 10, 30]
const READ_AGAIN_SECONDS = 2

/**
 * Polls repeatedly, but seldom, because the task is woken: by the source at the end of what it waits for, and by a request to cancel it.
 *
 * @param step the name of the first polls, and the prefix of the other operations
 */
export function pollWithSource<S extends PolledState>(
  context: DurableContext,
  step: string,
  polled: SourceWait<S>,
): Promise<S> {
  const wait = { ...polled, taskStartedAt: startTimeOf(context) }
  return waitUntilDoneOrWoken<SourceState<S>>(context, step, {
    initialState: polled.initialState,
    check: (state, wakeUp) => saveAndPoll(wait, state, wakeUp),
    checkWhenWoken: (state) =>
      saveAndPoll(wait, { ...state, nextPollIn: undefined, wokenAt: Date.now(), isStale: true }, undefined),
  })
}

type StartedWait<S extends PolledState> = SourceWait<S> & { taskStartedAt: number }

/** Saves how to wake the task, and polls. In the reverse order, a notification between the two would be lost. Does not throw. */
async function saveAndPoll<S extends PolledState>(
  wait: StartedWait<S>,
  previous: SourceState<S>,
  wakeUp: WakeUp | undefined,
  isRepeated = false,
): Promise<SourceState<S>> {
  const before = previous.isStale ? await readLastState(wait, previous) : previous
  if (before.isStale) return before
  const { wokenAt } = before
  const saved = wakeUp ? await save(wait, before, wakeUp) : before.saved
  const isWakeable = wakeUp !== undefined && saved?.round === wakeUp.round && saved.wakeIds.length > 0
  const polled = await wait.poll(before, scheduleOf(wait, wokenAt, isWakeable))
  const state: SourceState<S> = { ...polled, saved, wokenAt }
  if (state.nextPollIn === undefined) {
    await forget(wait, saved)
    if (wait.hasEnded(state) && isMissed(before, saved)) await reportMissedEnd(wait.source)
  } else if (wakeUp && isChanged(wait, before, state)) {
    const changed = { ...state, saved: saved && { ...saved, round: -1 } }
    // A notification may have named the job by its new id before this was saved.
    if (state.wakeId !== before.wakeId && !isRepeated) return saveAndPoll(wait, changed, wakeUp, true)
    return { ...state, saved: await save(wait, changed, wakeUp) }
  }
  return state
}

/** Whether a poll has changed what the first poll after a wake-up must know. */
function isChanged<S extends PolledState>({ memoryOf }: StartedWait<S>, before: S, after: S): boolean {
  return after.wakeId !== before.wakeId || JSON.stringify(memoryOf(before)) !== JSON.stringify(memoryOf(after))
}

/**
 * Returns when to poll next. `minSeconds` and `maxSeconds` of a job apply as without a source.
 *
 * @param wokenAt epoch milliseconds
 * @param isWakeable without it, the job is polled as if there were no source
 */
function scheduleOf<S extends PolledState>(
  { maxSeconds = Number.POSITIVE_INFINITY }: StartedWait<S>,
  wokenAt = 0,
  isWakeable: boolean,
): Schedule {
  return (elapsed, remaining, min = 0, max = Number.POSITIVE_INFINITY) => {
    const limit = Math.min(max, maxSeconds)
    const interval =
      secondsUntil(POLLS_AFTER_WAKE_UP, (Date.now() - wokenAt) / 1_000) ??
      (isWakeable ? secondsToNextPollOfSource(elapsed) : undefined)
    if (interval === undefined) return secondsToNextPoll(elapsed, remaining, min || undefined, limit)
    return beforeDeadline(Math.min(Math.max(min, interval), limit), remaining)
  }
}

/** Saves how to wake the task and what it must know then, unless that is saved. Does not throw: a task that is not saved polls. */
async function save<S extends PolledState>(
  { task: { category, id: taskId }, source, taskStartedAt, memoryOf }: StartedWait<S>,
  state: SourceState<S>,
  { callbackId, round }: WakeUp,
): Promise<Saved | undefined> {
  const { saved, wakeId } = state
  const known = saved?.wakeIds ?? []
  const isNew = wakeId !== undefined && !known.includes(wakeId)
  const wakeIds = isNew ? [...known, wakeId] : known
  try {
    if (saved?.round !== round) {
      const memory = { ...memoryOf(state), wakeId, startedAt: state.startedAt || Date.now(), wakeIds }
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
async function readLastState<S extends PolledState>(
  { task, until, taskStartedAt }: StartedWait<S>,
  previous: SourceState<S>,
): Promise<SourceState<S>> {
  try {
    const { state, round = -1 } = (await readWaiter(task.category, task.id)) ?? {}
    if (state === undefined) return { ...previous, startedAt: previous.startedAt || taskStartedAt, isStale: undefined }
    const { wakeIds, ...memory } = JSON.parse(state)
    return { ...previous, ...memory, saved: { round, wakeIds }, isStale: undefined }
  } catch (error) {
    log.warn('state before the wake-up not read', error as Error)
    return { ...previous, nextPollIn: beforeDeadline(READ_AGAIN_SECONDS, (until - Date.now()) / 1_000) }
  }
}

/** Whether the source had at least a minute to notify us of the end before the last poll. */
function isMissed({ nextPollIn = 0 }: WaitState, saved: Saved | undefined): boolean {
  return saved !== undefined && saved.wakeIds.length > 0 && nextPollIn >= MIN_INTERVAL_SECONDS
}

/** Does not throw: the report only serves people who look for a silent source. */
async function reportMissedEnd(source: string): Promise<void> {
  log.info('end noticed without a notification', { missedEnd: true, source })
  try {
    await recordMissedEnd(source)
  } catch (error) {
    log.warn('missed end not recorded', error as Error)
  }
}

/** Deletes what was saved. Does not throw: the table deletes it later, and waking an ended task does nothing. */
async function forget<S extends PolledState>(
  { task: { category, id }, source }: StartedWait<S>,
  saved: Saved | undefined,
): Promise<void> {
  if (!saved) return
  try {
    await removeWaiter(category, id)
    for (const wakeId of saved.wakeIds) await removeWaitingTask(source, wakeId, id)
  } catch (error) {
    log.warn('wake-up not deleted', error as Error)
  }
}
