import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { log } from '../../log.ts'
import { type Outcome, passed } from '../../outcome.ts'
import type { Requirement } from '../../policy/policy.ts'
import { describeTime } from '../../policy/time-zone.ts'
import { stateOfWindow } from '../../policy/window.ts'
import { removeWaiter, saveWaiter } from '../../state/waiters.ts'
import type { Task } from '../call.ts'
import { aborted, canceledBy } from './cancellation.ts'
import type { Reports } from './poll.ts'
import { startTimeOf } from './start-time.ts'
import { type WaitState, type WakeUp, waitUntilDoneOrWoken } from './wait.ts'

/** State that is checkpointed between two checks. */
interface RequireState extends WaitState {
  /** When all requirements were met, in epoch milliseconds. */
  metAt?: number | undefined
  /** Describes the wait for people. */
  waitsFor?: string | undefined
  canceledBy?: string | undefined
  savedRound?: number | undefined
}

/** When the requirements were met, in epoch milliseconds, or the outcome of a task that does not start its action. */
type Met = { metAt: number } | { metAt?: undefined; outcome: Outcome }

/** A window opens at a time that is known. This is only for clocks that were changed. */
const MAX_INTERVAL_SECONDS = 12 * 3_600
/** A task that cannot be woken notices a request to cancel it with its next check, and heartbeats are sent with a check. */
const SHORT_INTERVAL_SECONDS = 60
/** An execution may have 3,000 operations. */
const MAX_CHECKS = 1_000

/**
 * Waits until the requirements of a task are all met at the same time.
 *
 * @param requirements of the payload: a later policy changes nothing
 * @param until when to give up, in epoch milliseconds
 */
export async function meetRequirements(
  context: DurableContext,
  task: Task,
  requirements: readonly Requirement[],
  until: number,
  reports: Reports,
): Promise<Met> {
  const check = (state: RequireState, wakeUp: WakeUp | undefined) =>
    checkOnce({ task, requirements, until, reports, taskStartedAt: startTimeOf(context) }, state, wakeUp)
  // The window is usually open: then, this is the only operation.
  const first = await context.step('require', () => check({}, undefined))
  const last =
    first.nextPollIn === undefined
      ? first
      : await waitUntilDoneOrWoken<RequireState>(context, 'require-wait', {
          initialState: first,
          check,
          checkWhenWoken: (state) => check(state, undefined),
        })
  if (last.metAt !== undefined) return { metAt: last.metAt }
  if (last.canceledBy !== undefined)
    return { outcome: aborted(`Canceled by ${last.canceledBy} before anything was sent to the platform`) }
  const waited = formatDuration(Math.round((until - startTimeOf(context)) / 1_000))
  const message = `Nothing was started: the call has waited for ${waited}. ${last.waitsFor ?? ''}`.trim()
  return { outcome: { ...passed(message), result: 'fail' } }
}

interface RequireWait {
  task: Task
  requirements: readonly Requirement[]
  until: number
  reports: Reports
  taskStartedAt: number
}

/** Saves how to wake the task, and checks all requirements. Does not throw. */
async function checkOnce(wait: RequireWait, state: RequireState, wakeUp: WakeUp | undefined): Promise<RequireState> {
  const { task, requirements, until, reports } = wait
  const savedRound = wakeUp && state.savedRound !== wakeUp.round ? await save(wait, wakeUp) : state.savedRound
  const by = await canceledBy(task)
  const now = Date.now()
  const closed = requirements
    .map(({ rule, window }) => ({ rule, window, ...stateOfWindow(window, now) }))
    .find(({ isOpen }) => !isOpen)
  const ended = by !== undefined ? { canceledBy: by } : closed ? undefined : { metAt: now }
  if (ended || !closed) {
    if (savedRound !== undefined) await forget(task)
    return { ...ended, savedRound }
  }
  const { rule, window, changesAt, reason } = closed
  const opens =
    changesAt === undefined ? 'It does not open again' : `Waits until ${describeTime(changesAt, window.timeZone)}`
  const waitsFor = `${opens}: ${rule}${reason === undefined ? '' : ` (${reason})`}`
  if (waitsFor !== state.waitsFor) await reports.progress?.(waitsFor)
  await reports.heartbeat?.()
  const isWakeable = wakeUp !== undefined && savedRound === wakeUp.round
  const shortest = Math.max(SHORT_INTERVAL_SECONDS, (until - now) / 1_000 / MAX_CHECKS)
  const limit = reports.heartbeat ? SHORT_INTERVAL_SECONDS : isWakeable ? MAX_INTERVAL_SECONDS : shortest
  const seconds = Math.ceil((Math.min(changesAt ?? until, until) - now) / 1_000)
  if (seconds <= 0 || changesAt === undefined) {
    if (savedRound !== undefined) await forget(task)
    return { waitsFor, savedRound }
  }
  return { waitsFor, savedRound, nextPollIn: Math.max(1, Math.floor(Math.min(seconds, limit))) }
}

async function save({ task, taskStartedAt }: RequireWait, { callbackId, round }: WakeUp): Promise<number | undefined> {
  try {
    await saveWaiter(task.category, task.id, { callbackId, startedAt: taskStartedAt, round })
    return round
  } catch (error) {
    log.warn('wake-up not saved: the task notices a request to cancel it later', error as Error)
    return undefined
  }
}

async function forget({ category, id }: Task): Promise<void> {
  try {
    await removeWaiter(category, id)
  } catch (error) {
    log.warn('wake-up not deleted', error as Error)
  }
}
