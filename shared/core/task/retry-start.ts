import { type DurableContext, StepInterruptedError, StepSemantics } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { Failure, isTransient, kindOf, messageOf, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored, type Outcome } from '../../outcome.ts'
import { type ActionResult, type Completed, completed, type Deadline, type Delegated } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact, redactDeep } from '../../redact.ts'
import type { Canceler } from '../../state/save-cancellation.ts'
import type { ApprovedRequest } from '../approved-request.ts'
import { backoffSeconds, IN_FLIGHT_SECONDS } from '../backoff.ts'
import type { Call } from '../call.ts'
import { runAction } from '../run-action.ts'
import { aborted, cancelerOf } from './cancellation.ts'

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

/**
 * Runs the action of a task, and retries transient failures until the deadline or until the task is canceled.
 *
 * An attempt that certainly wrote nothing ends its step, and the next attempt is another step. An attempt that may have
 * written, or that crashed, is retried within its step. So only the second attempt of a step follows a possible write.
 */
export async function runUntilDeadline(
  category: Category,
  call: Call,
  context: DurableContext,
  deadline: Deadline,
  approved?: ApprovedRequest,
): Promise<ActionResult> {
  // The request to cancel an approval completes its callback, unless it comes before the callback is saved.
  const waitsForPeople = category.actions[call.action]?.type === 'approval'
  for (let attempts = 1; ; attempts++) {
    const result = await context.step(
      'start',
      async ({ attempt }): Promise<ActionResult | Retry> => {
        const isRetry = attempt > 1
        const canceler = isRetry || attempts > 1 || waitsForPeople ? await cancelerOf(call) : undefined
        if (canceler !== undefined) return canceled(call, canceler, isRetry)
        try {
          return await runAction(category, call, deadline.at, isRetry ? 'possible' : 'nothing', approved)
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

/** @param mayHaveWritten whether an attempt may have reached the platform */
function canceled(call: Call, canceler: Canceler, mayHaveWritten: boolean): Completed | Delegated {
  const { by } = canceler
  if (!mayHaveWritten) return aborted(canceler, `Canceled by ${by} before anything was sent to the platform`)
  const ended = aborted(canceler, `Canceled by ${by}. An attempt may have reached the platform: check it`)
  return call.delegates ? { ...delegatedWithUnknownOutcome(ended.outcome), canceler } : { ...ended, mayStillRun: true }
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

/**
 * Returns the result of a job that the platform may have accepted. If it did, the platform sends the `finished` event, so
 * the task sends none: no event is better than two.
 */
export function delegatedWithUnknownOutcome(outcome: Outcome): Delegated {
  log.error('outcome unknown: no finished event sent', { reason: outcome.message })
  const message = `${toSentence(outcome.message)} The platform may have accepted the job, and then sends the finished event itself, so none was sent.`
  return { type: 'delegated', outcome: { ...outcome, message }, delegatedTo: 'unknown' }
}
