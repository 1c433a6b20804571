import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { isTransient, messageOf } from '../../errors.ts'
import type { Outcome } from '../../outcome.ts'
import { redact } from '../../redact.ts'
import type { Call } from '../call.ts'
import { retriedStep } from '../retried-step.ts'
import { requestJobStop } from '../run-action.ts'
import { MAX_CLEANUP_MS } from './cleanup.ts'
import { isLost, type PollState, type PollTarget, poll } from './poll.ts'

/** How long to wait for a stopped job to end. */
const STOP_GRACE_SECONDS = 600
/** The deadline has passed, but a stop request still has to get through. */
const STOP_TIMEOUT_MS = 60_000
const MAX_STOP_ATTEMPTS = 10
/** For jobs that must not keep running, such as injected faults: more than an hour. */
const MAX_CLEANUP_STOP_ATTEMPTS = 80

/** Between two attempts. */
const MAX_STOP_BACKOFF_SECONDS = 60

/** Returns how long the stop of a job, and its cleanup, take at most, in milliseconds. */
export function maxStopMs({ needsCleanup }: Pick<Call, 'needsCleanup'>): number {
  const attempts = needsCleanup ? MAX_CLEANUP_STOP_ATTEMPTS : MAX_STOP_ATTEMPTS
  const stopMs = attempts * (MAX_STOP_BACKOFF_SECONDS * 1_000 + STOP_TIMEOUT_MS) + STOP_GRACE_SECONDS * 1_000
  return stopMs + (needsCleanup ? MAX_CLEANUP_MS : 0)
}

/** The outcome of a job that has ended after its stop, or why it may still be running and its last state. */
type Stopped = { outcome: Outcome } | { outcome?: undefined; reason: string; state: PollState }

/**
 * Asks the platform to stop a job, and waits for its end.
 *
 * @param last state of the job before the stop
 */
export async function stopAndWait(context: DurableContext, target: PollTarget, last: PollState): Promise<Stopped> {
  const stop = await requestStop(context, target, last.job)
  if (stop.waitUntil === undefined) return { reason: stop.failure, state: last }
  const stopTarget = { ...target, isCancelable: false }
  const afterStop = await poll(context, 'poll-after-stop', stopTarget, last.job, stop.waitUntil)
  if (afterStop.outcome) return { outcome: afterStop.outcome }
  const result = isLost(afterStop)
    ? 'the platform does not report whether it stopped'
    : `it did not stop within ${formatDuration(STOP_GRACE_SECONDS)}`
  const { canceledBy, operator } = last
  const state = { ...afterStop, status: afterStop.status ?? last.status, canceledBy, operator }
  return { reason: `A stop was requested, but ${result}`, state }
}

/** Until when the stopped job may take to end, in epoch milliseconds, or why no stop was accepted. */
type StopRequest = { waitUntil: number } | { waitUntil?: undefined; failure: string }

/** Asks the platform to stop the job, with retries. */
async function requestStop(
  context: DurableContext,
  { category, call }: PollTarget,
  job: unknown,
): Promise<StopRequest> {
  return retriedStep<StopRequest>(
    context,
    'stop',
    async () => {
      const isSupported = await requestJobStop(category, call, job, Date.now() + STOP_TIMEOUT_MS)
      if (isSupported) return { waitUntil: Date.now() + STOP_GRACE_SECONDS * 1_000 }
      return { failure: 'The platform cannot stop it, so it is still running' }
    },
    {
      maxAttempts: call.needsCleanup ? MAX_CLEANUP_STOP_ATTEMPTS : MAX_STOP_ATTEMPTS,
      backoff: { min: 2, max: MAX_STOP_BACKOFF_SECONDS },
      // Credentials can be rotated in the meantime.
      isRetryable: (error) => call.needsCleanup || isTransient(error),
      giveUp: (error) => ({
        failure: redact(`The stop request failed, so it may still be running: ${messageOf(error)}`),
      }),
    },
  )
}
