import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { Failure, isTransient, kindOf, messageOf, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import type { Deadline, JobProgress, StartedJob } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import { backoffSeconds } from '../backoff.ts'
import type { Call } from '../call.ts'
import { retriedStep } from '../retried-step.ts'
import { getJobStatus, stopJob } from '../run-action.ts'
import { canceledBy } from './cancellation.ts'

/** State that is checkpointed between two polls. */
interface PollState {
  startedAt: number
  /** Opaque provider state that identifies the job. */
  job: unknown
  /** Last status reported by the platform, in its own words. */
  status?: string | undefined
  lastProgress?: { message: string; at: number } | undefined
  consecutiveRefusals: number
  /** The last poll failed because of the connection. */
  isMisconfigured?: boolean
  /** Why the last poll failed. */
  lastError?: string | undefined
  /** The caller who canceled the task. */
  canceledBy?: string | undefined
  /** Seconds until the next poll. Undefined ends the loop. */
  nextPollIn?: number | undefined
  outcome?: Outcome | undefined
}

/** Messages to the orchestrator while a job runs. The functions must not throw. */
interface Reports {
  progress?: ((message: string) => Promise<void>) | undefined
  /** The time between two progress messages, if it must be longer than the default. */
  progressIntervalMs?: number | undefined
  /** Called with each poll. */
  heartbeat?: (() => Promise<void>) | undefined
}

const MIN_POLL_SECONDS = 2
/** Longer only if the deadline is more than a day away. */
const MAX_POLL_SECONDS = 60
/** An execution may have 3,000 operations. This leaves enough for starting the job and sending the answer. */
const MAX_POLLS = 1_500
const MAX_CONSECUTIVE_REFUSALS = 5
const REFUSAL_RETRY_SECONDS = 30
const PROGRESS_INTERVAL_MS = 60_000
/** How long to wait for a stopped job to end. */
const STOP_GRACE_SECONDS = 600
/** The deadline has passed, but a stop request still has to get through. */
const STOP_TIMEOUT_MS = 60_000
const MAX_STOP_ATTEMPTS = 10
/** For jobs that must not keep running, such as injected faults: more than an hour. */
const MAX_CLEANUP_STOP_ATTEMPTS = 80

/**
 * Polls a started job until it ends, the deadline passes or the task is canceled. At the deadline, the job is stopped or left
 * running, depending on its action. The job of a canceled task is stopped.
 *
 * A failed poll never ends the task if the failure may be transient. The poll interval is a fifth of the elapsed time, so
 * short jobs are noticed quickly and long jobs stay cheap.
 *
 * @returns the outcome; `errored` if it cannot be determined
 */
export async function pollUntilDone(
  category: Category,
  call: Call,
  started: StartedJob,
  context: DurableContext,
  deadline: Deadline,
  reports: Reports,
): Promise<Outcome> {
  const target = { category, call, reports, isCancelable: true }
  const last = await poll(context, 'poll', target, started.job, deadline.at)
  if (last.outcome) return last.outcome

  const isCanceled = last.canceledBy !== undefined
  const isLost = last.consecutiveRefusals >= MAX_CONSECUTIVE_REFUSALS
  const reason = reasonOf(last, deadline)
  const action = category.actions[call.action]
  if (action?.type !== 'job' || (!isCanceled && action.job.onDeadline(call.input) !== 'stop'))
    return unfinished(started, last, isLost ? reason : `${reason}, and the job was left running`)

  const stop = await requestStop(context, category, call, last.job)
  if (stop.waitUntil === undefined) return unfinished(started, last, `${reason}. ${stop.failure}`)
  const stopTarget = { ...target, isCancelable: false }
  const afterStop = await poll(context, 'poll-after-stop', stopTarget, last.job, stop.waitUntil)
  if (!afterStop.outcome) {
    const result =
      afterStop.consecutiveRefusals >= MAX_CONSECUTIVE_REFUSALS
        ? 'the platform does not report whether it stopped'
        : `it did not stop within ${formatDuration(STOP_GRACE_SECONDS)}`
    const state = { ...afterStop, status: afterStop.status ?? last.status, canceledBy: last.canceledBy }
    return unfinished(started, state, `${reason}. A stop was requested, but ${result}`)
  }
  const { outcome } = afterStop
  if (isCanceled && outcome.result === 'fail')
    return { ...outcome, status: 'aborted', message: `${reason}, and the job was stopped. ${outcome.message}` }
  if (outcome.status === 'aborted')
    return { ...outcome, status: 'errored', message: `${reason}, and the job was stopped. ${outcome.message}` }
  // A job that ended by itself in the meantime keeps its own result. So does one whose platform does not report a stop.
  return { ...outcome, message: `${reason}, and a stop was requested. ${outcome.message}` }
}

/** Returns why a job is no longer polled. */
function reasonOf({ canceledBy: by, consecutiveRefusals, isMisconfigured }: PollState, { seconds }: Deadline): string {
  if (by !== undefined) return `Canceled by ${by}`
  if (consecutiveRefusals >= MAX_CONSECUTIVE_REFUSALS)
    return isMisconfigured
      ? 'The connection cannot read the status of this job'
      : 'The platform no longer reports this job'
  return `The deadline of ${formatDuration(seconds)} passed`
}

interface PollTarget {
  category: Category
  call: Call
  reports: Reports
  /** Whether a request to cancel the task ends the loop. */
  isCancelable: boolean
}

/** One durable operation with a checkpoint after each poll. */
function poll(
  context: DurableContext,
  step: string,
  target: PollTarget,
  job: unknown,
  until: number,
): Promise<PollState> {
  return context.waitForCondition<PollState>(step, (state) => pollOnce(state, target, until), {
    initialState: { startedAt: 0, job, consecutiveRefusals: 0 },
    waitStrategy: ({ nextPollIn }) =>
      nextPollIn === undefined ? { shouldContinue: false } : { shouldContinue: true, delay: { seconds: nextPollIn } },
  })
}

/** Must not throw: an error would end the loop. */
async function pollOnce(
  previous: PollState,
  { category, call, reports, isCancelable }: PollTarget,
  until: number,
): Promise<PollState> {
  const startedAt = previous.startedAt || Date.now()
  const { job, status, lastProgress } = previous
  const state: PollState = { startedAt, job, status, lastProgress, consecutiveRefusals: 0 }
  // The first poll is right after the start.
  const canceler = isCancelable && previous.startedAt !== 0 ? await canceledBy(call) : undefined
  if (canceler !== undefined) return { ...state, canceledBy: canceler }
  await reports.heartbeat?.()
  try {
    const current = await getJobStatus(category, call, job, until)
    if ('outcome' in current) return { ...state, outcome: current.outcome }
    return {
      ...state,
      job: current.job ?? job,
      status: current.status,
      lastProgress: await reportOnChange(reports, lastProgress, current),
      nextPollIn: current.pollImmediately ? pollAgainIn(until) : nextPollIn(startedAt, until, current),
    }
  } catch (error) {
    log.warn('poll failed', error as Error, { kind: kindOf(error), reason: messageOf(error) })
    const lastError = redact(messageOf(error))
    const isMisconfigured = kindOf(error) === 'misconfigured'
    // Credentials can be rotated until the deadline.
    if (isTransient(error) || (error instanceof Failure && error.kind === 'credentials')) {
      const minSeconds = backoffSeconds(error as Failure, 1, MIN_POLL_SECONDS)
      return { ...state, lastError, nextPollIn: nextPollIn(startedAt, until, { minSeconds }) }
    }
    const consecutiveRefusals = previous.consecutiveRefusals + 1
    const giveUp = consecutiveRefusals >= MAX_CONSECUTIVE_REFUSALS
    return {
      ...state,
      lastError,
      isMisconfigured,
      consecutiveRefusals,
      nextPollIn: giveUp ? undefined : nextPollIn(startedAt, until, { minSeconds: REFUSAL_RETRY_SECONDS }),
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

function nextPollIn(
  startedAt: number,
  until: number,
  { minSeconds, maxSeconds }: Pick<JobProgress, 'minSeconds' | 'maxSeconds'>,
): number | undefined {
  const now = Date.now()
  return secondsToNextPoll((now - startedAt) / 1_000, (until - now) / 1_000, minSeconds, maxSeconds)
}

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
  if (remaining <= 1) return undefined
  const ceiling = Math.max(MAX_POLL_SECONDS, (elapsed + remaining) / MAX_POLLS)
  const interval = Math.max(min, Math.min(ceiling, elapsed / 5))
  return Math.max(1, Math.floor(Math.min(interval, max, remaining - 1)))
}

/** Asks the platform to stop the job, with retries. */
async function requestStop(
  context: DurableContext,
  category: Category,
  call: Call,
  job: unknown,
): Promise<{ waitUntil?: number; failure?: string }> {
  return retriedStep<{ waitUntil?: number; failure?: string }>(
    context,
    'stop',
    async () => {
      const isSupported = await stopJob(category, call, job, Date.now() + STOP_TIMEOUT_MS)
      if (isSupported) return { waitUntil: Date.now() + STOP_GRACE_SECONDS * 1_000 }
      return { failure: 'The platform cannot stop it, so it is still running' }
    },
    {
      maxAttempts: call.needsCleanup ? MAX_CLEANUP_STOP_ATTEMPTS : MAX_STOP_ATTEMPTS,
      backoff: { min: 2, max: 60 },
      // Credentials can be rotated in the meantime.
      isRetryable: (error) => call.needsCleanup || isTransient(error),
      giveUp: (error) => ({
        failure: redact(`The stop request failed, so it may still be running: ${messageOf(error)}`),
      }),
    },
  )
}

/** The job may still end later without anybody noticing, so this is not a verdict about it. */
function unfinished(
  { outcome }: StartedJob,
  { status, lastError, canceledBy: by }: PollState,
  reason: string,
): Outcome {
  const lastStatus = status === undefined ? 'Its status was never reported' : `Its last reported status was ${status}`
  const details = lastError ? `${lastStatus}; the last poll failed: ${lastError}` : lastStatus
  return {
    ...outcome,
    status: by === undefined ? 'errored' : 'aborted',
    result: 'fail',
    message: [reason, details].map(toSentence).join(' '),
    data: { ...outcome.data, ...(status ? { state: status } : {}) },
  }
}
