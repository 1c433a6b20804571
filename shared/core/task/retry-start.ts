import { type DurableContext, StepInterruptedError, StepSemantics } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { Failure, isTransient, kindOf, messageOf, serviceUnavailable, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored } from '../../outcome.ts'
import { type ActionResult, type Completed, completed, type Deadline, type Delegated } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact, redactDeep } from '../../redact.ts'
import { backoffSeconds, IN_FLIGHT_SECONDS } from '../backoff.ts'
import type { Call } from '../call.ts'
import { type BeforeStart, runAction } from '../run-action.ts'
import { NotStarted, type Refused } from '../start-gate.ts'
import { cancelerOf } from './cancellation.ts'
import { canceledBeforeStart, delegatedWithUnknownOutcome, notStarted } from './not-started.ts'

/** An execution may have 3,000 operations. */
const MAX_ATTEMPTS = 2_000
/** With less time left, an attempt is the last one. */
const MIN_RETRY_MS = 1_500
/** For the status of a task that waits for the next attempt. */
const MAX_REASON_LENGTH = 500

/** An attempt that wrote nothing and is repeated. */
interface Retry {
  type: 'retry'
  /** Seconds until the next attempt. */
  retryIn: number
  reason: string
}

/** An attempt that wrote nothing, because the action may not start now. The task waits. */
export interface Held {
  type: 'held'
  /** An earlier attempt may have written. */
  mayHaveWritten: boolean
  by: 'closed' | 'stopped'
  /** A sentence without its full stop, for people. */
  why: string
}

/** Conditions for the first write of a task, and its circumstances. */
export interface StartOptions extends BeforeStart {
  /** An earlier attempt, which was held back later, may have written. */
  mayHaveWritten?: boolean | undefined
  /** The task has turns, which it keeps after a possible write. */
  hasTurn?: boolean | undefined
}

/**
 * Runs the action of a task, and retries transient failures until the deadline or until the task is canceled.
 *
 * An attempt that certainly wrote nothing ends its step, and the next attempt is another step. An attempt that may have
 * written, or that crashed, is retried within its step. So only the second attempt of a step follows a possible write, unless an earlier
 * step was held.
 *
 * @returns `held` if the action may not start now
 */
export function runUntilDeadline(
  category: Category,
  call: Call,
  context: DurableContext,
  deadline: Deadline,
  options?: Omit<StartOptions, 'mayStart'> & { mayStart?: undefined },
): Promise<ActionResult>
export function runUntilDeadline(
  category: Category,
  call: Call,
  context: DurableContext,
  deadline: Deadline,
  options: StartOptions,
): Promise<ActionResult | Held>
export async function runUntilDeadline(
  category: Category,
  call: Call,
  context: DurableContext,
  deadline: Deadline,
  options: StartOptions = {},
): Promise<ActionResult | Held> {
  // The request to cancel an approval completes its callback, unless it comes before the callback is saved.
  const waitsForPeople = category.actions[call.action]?.type === 'approval'
  const runOnce = async (isRetry: boolean) => {
    try {
      return await runAction(category, call, deadline.at, isRetry ? 'possible' : 'nothing', options)
    } catch (error) {
      if (!(error instanceof NotStarted)) throw error
      return heldBy(call, error.decision, isRetry, options.hasTurn)
    }
  }
  for (let attempts = 1; ; attempts++) {
    const result = await context.step(
      'start',
      async ({ attempt }): Promise<ActionResult | Retry | Held> => {
        const isRetry = attempt > 1 || options.mayHaveWritten === true
        const canceler = isRetry || attempts > 1 || waitsForPeople ? await cancelerOf(call) : undefined
        if (canceler !== undefined) return canceledBeforeStart(call, canceler, isRetry)
        try {
          return await runOnce(isRetry)
        } catch (error) {
          const remaining = deadline.at - Date.now()
          const mayHaveWritten =
            isRetry || (error instanceof Failure && (error.mayHaveWritten || error.kind === 'unconfirmed'))
          const kind = kindOf(error)
          if (kind === 'internal') log.error('internal error', error as Error)
          log.warn('start failed', { attempt: isRetry ? attempt : attempts, kind, reason: messageOf(error) })
          if (!isTransient(error) || remaining <= MIN_RETRY_MS) {
            const outcome = redactDeep(errored(isTransient(error) ? gaveUp(error as Failure, deadline) : error))
            return call.delegates && mayHaveWritten
              ? delegatedWithUnknownOutcome(outcome)
              : { ...completed(outcome), mayStillRun: mayHaveWritten || undefined }
          }
          if (mayHaveWritten) throw error
          const reason = redact(messageOf(error)).slice(0, MAX_REASON_LENGTH)
          return { type: 'retry', retryIn: secondsToNextStart(error as Failure, attempts, deadline), reason }
        }
      },
      {
        // A second run must know that it is one.
        semantics: StepSemantics.AtMostOncePerRetry,
        retryStrategy: (error, attempt) => ({
          shouldRetry: attempt < MAX_ATTEMPTS,
          delay: { seconds: secondsToNextStart(error, attempt, deadline) },
        }),
      },
    )
    if (result.type !== 'retry') return result
    await context.wait('wait-for-retry', { seconds: result.retryIn })
  }
}

/**
 * Returns the end of an attempt that was held back. After a possible write, only a look-up of the earlier attempt was allowed, and it found
 * nothing.
 *
 * @param mayHaveWritten whether an earlier attempt may have reached the platform
 * @throws Failure `unavailable`: the step is retried
 */
function heldBy(
  call: Call,
  { type, why }: Refused,
  mayHaveWritten: boolean,
  hasTurn: boolean | undefined,
): Held | Completed | Delegated {
  if (type === 'refused') return notStarted(call, why, mayHaveWritten)
  // Another task must not get the turn while a job of this one may be running.
  if (mayHaveWritten && hasTurn) throw serviceUnavailable(toSentence(why))
  return { type: 'held', mayHaveWritten, by: type, why }
}

/**
 * Doubles up to a minute, or longer for deadlines of days. After an interrupted attempt, its request may still be in flight. The last
 * attempt is just before the deadline.
 */
function secondsToNextStart(error: Error, attempt: number, { seconds, at }: Deadline): number {
  const remaining = (at - Date.now()) / 1_000 - 1
  const min = error instanceof StepInterruptedError ? IN_FLIGHT_SECONDS : 1
  return Math.max(
    1,
    Math.floor(Math.min(backoffSeconds(error, attempt, min, Math.max(60, seconds / 1_000)), remaining)),
  )
}

function gaveUp(error: Failure, { seconds }: Deadline): Failure {
  return new Failure(error.kind, `${toSentence(error.message)} Gave up at the deadline of ${formatDuration(seconds)}.`)
}
