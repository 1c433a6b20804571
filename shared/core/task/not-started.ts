import { formatDuration } from '../../duration.ts'
import { outcomeUnknown, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored, type Outcome, passed } from '../../outcome.ts'
import { type Completed, completed, type Delegated } from '../../providers/action.ts'
import type { Canceler } from '../../state/save-cancellation.ts'
import type { Call } from '../call.ts'
import { aborted } from './cancellation.ts'

/**
 * Returns the end of a task whose action may not start.
 *
 * @param why a sentence, for people
 * @param mayHaveWritten whether an earlier attempt may have reached the platform: then it is not known that nothing was started
 * @param nothing the message if nothing was started
 */
export function notStarted(
  call: Pick<Call, 'delegates'>,
  why: string,
  mayHaveWritten: boolean,
  nothing = `${toSentence(why)} Nothing was started.`,
): Completed | Delegated {
  if (!mayHaveWritten) return completed({ ...passed(nothing), result: 'fail' })
  const message = `${toSentence(why)} An earlier attempt may have reached the platform: check it.`
  const outcome = errored(outcomeUnknown(message))
  return call.delegates ? delegatedWithUnknownOutcome(outcome) : { ...completed(outcome), mayStillRun: true }
}

/**
 * Returns the end of a task that has waited too long for the start of its action.
 *
 * @param ms how long it has waited
 * @param waitsFor describes the wait, for people
 */
export function waitedFor(
  call: Pick<Call, 'delegates'>,
  ms: number,
  waitsFor: string | undefined,
  mayHaveWritten: boolean,
): Completed | Delegated {
  const waited = `call has waited for ${formatDuration(Math.round(ms / 1_000))}. ${waitsFor ?? ''}`.trim()
  return notStarted(call, `The ${waited}`, mayHaveWritten, `Nothing was started: the ${waited}`)
}

/**
 * Returns the end of a task that was canceled before its action has started.
 *
 * @param mayHaveWritten whether an attempt may have reached the platform
 */
export function canceledBeforeStart(
  call: Pick<Call, 'delegates'>,
  canceler: Canceler,
  mayHaveWritten: boolean,
): Completed | Delegated {
  const { by } = canceler
  if (!mayHaveWritten) return aborted(canceler, `Canceled by ${by} before anything was sent to the platform`)
  const ended = aborted(canceler, `Canceled by ${by}. An attempt may have reached the platform: check it`)
  return call.delegates ? { ...delegatedWithUnknownOutcome(ended.outcome), canceler } : { ...ended, mayStillRun: true }
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
