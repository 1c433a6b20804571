import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { Failure, isTransient, kindOf, messageOf } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import type { JobProgress } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import { backoffSeconds } from '../backoff.ts'
import type { Task } from '../call.ts'
import { getJobStatus } from '../run-action.ts'
import type { StartCheck } from '../start-gate.ts'
import { type CanceledState, canceledState, cancelerOf } from './cancellation.ts'
import { MIN_POLL_SECONDS, type Schedule, secondsToNextPoll } from './poll-interval.ts'
import { type WaitState, waitUntilDone } from './wait.ts'

/** State that is checkpointed between two polls. */
export interface PollState extends WaitState, CanceledState {
  startedAt: number
  /** Opaque provider state that identifies the job. */
  job: unknown
  /** The id by which notifications name the job. */
  wakeId?: string | undefined
  /** Last status reported by the platform, in its own words. */
  status?: string | undefined
  lastProgress?: { message: string; at: number } | undefined
  consecutiveRefusals: number
  /** The last poll failed because of the connection. */
  isMisconfigured?: boolean
  /** Why the last poll failed. */
  lastError?: string | undefined
  outcome?: Outcome | undefined
}

/** Messages to the orchestrator while a job runs. The functions must not throw. */
export interface Reports {
  progress?: ((message: string) => Promise<void>) | undefined
  /** The time between two progress messages, if it must be longer than the default. */
  progressIntervalMs?: number | undefined
  /** Called with each poll. */
  heartbeat?: (() => Promise<void>) | undefined
}

const MAX_CONSECUTIVE_REFUSALS = 5
const REFUSAL_RETRY_SECONDS = 30
const PROGRESS_INTERVAL_MS = 60_000
/** The job of a task, and where to report about it. */
export interface PollTarget {
  category: Category
  call: Task
  reports: Reports
  /** Whether a request to cancel the task ends the loop. */
  isCancelable: boolean
  /** Asked before a change that a poll makes. */
  mayStart?: StartCheck | undefined
}

/**
 * Polls a job until it ends, the time has passed, its task is canceled or the platform has refused several polls. One durable
 * operation with a checkpoint after each poll.
 *
 * A failed poll never ends the loop if the failure may be transient. The interval is a fifth of the elapsed time, so short
 * jobs are noticed quickly and long jobs stay cheap.
 *
 * @param until in epoch milliseconds
 */
export function poll(
  context: DurableContext,
  step: string,
  target: PollTarget,
  job: unknown,
  until: number,
): Promise<PollState> {
  return waitUntilDone(context, step, {
    initialState: stateBefore(job),
    check: (state) => pollOnce(state, target, until, secondsToNextPoll),
  })
}

/** Returns the state before the first poll. */
export function stateBefore(job: unknown): PollState {
  return { startedAt: 0, job, consecutiveRefusals: 0 }
}

/** Whether the platform has refused so many polls that the job is no longer polled. */
export function isLost({ consecutiveRefusals }: PollState): boolean {
  return consecutiveRefusals >= MAX_CONSECUTIVE_REFUSALS
}

/**
 * Polls a job once. Must not throw: an error would end the loop.
 *
 * @param until in epoch milliseconds
 */
export async function pollOnce(
  previous: PollState,
  { category, call, reports, isCancelable, mayStart }: PollTarget,
  until: number,
  schedule: Schedule,
): Promise<PollState> {
  const startedAt = previous.startedAt || Date.now()
  const { job, wakeId, status, lastProgress } = previous
  const state: PollState = { startedAt, job, wakeId, status, lastProgress, consecutiveRefusals: 0 }
  const nextPollIn = ({ minSeconds, maxSeconds }: Pick<JobProgress, 'minSeconds' | 'maxSeconds'>) => {
    const now = Date.now()
    return schedule((now - startedAt) / 1_000, (until - now) / 1_000, minSeconds, maxSeconds)
  }
  // The first poll is right after the start.
  const canceler = isCancelable && previous.startedAt !== 0 ? await cancelerOf(call) : undefined
  if (canceler !== undefined) return { ...state, ...canceledState(canceler) }
  await reports.heartbeat?.()
  try {
    const current = await getJobStatus(category, call, job, until, mayStart)
    if ('outcome' in current) return { ...state, outcome: current.outcome }
    return {
      ...state,
      job: current.job ?? job,
      wakeId: current.wakeId ?? wakeId,
      status: current.status,
      lastProgress: await reportOnChange(reports, lastProgress, current),
      nextPollIn: current.pollImmediately ? pollAgainIn(until) : nextPollIn(current),
    }
  } catch (error) {
    log.warn('poll failed', error as Error, { kind: kindOf(error), reason: messageOf(error) })
    const lastError = redact(messageOf(error))
    const isMisconfigured = kindOf(error) === 'misconfigured'
    // Credentials can be rotated until the deadline.
    if (isTransient(error) || (error instanceof Failure && error.kind === 'credentials')) {
      const minSeconds = backoffSeconds(error as Failure, 1, MIN_POLL_SECONDS)
      return { ...state, lastError, nextPollIn: nextPollIn({ minSeconds }) }
    }
    const consecutiveRefusals = previous.consecutiveRefusals + 1
    const giveUp = consecutiveRefusals >= MAX_CONSECUTIVE_REFUSALS
    return {
      ...state,
      lastError,
      isMisconfigured,
      consecutiveRefusals,
      nextPollIn: giveUp ? undefined : nextPollIn({ minSeconds: REFUSAL_RETRY_SECONDS }),
    }
  }
}

/** Reports new progress at most once per interval, and returns what was reported last. */
async function reportOnChange(
  { progress: report, progressIntervalMs = 0 }: Reports,
  last: PollState['lastProgress'],
  { status, progress }: JobProgress,
): Promise<PollState['lastProgress']> {
  const message = progress ?? status
  const interval = Math.max(PROGRESS_INTERVAL_MS, progressIntervalMs)
  if (!report || message === last?.message || Date.now() - (last?.at ?? 0) < interval) return last
  await report(message)
  return { message, at: Date.now() }
}

/** Returns one second, or undefined if the deadline has passed. */
function pollAgainIn(until: number): number | undefined {
  return Date.now() + 1_000 < until ? 1 : undefined
}
