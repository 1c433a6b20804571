import { type DurableContext, StepSemantics } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { Failure, isTransient, kindOf, messageOf, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored, type Outcome } from '../../outcome.ts'
import type { Delegated, StartedJob } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact, redactDeep } from '../../redact.ts'
import { backoffSeconds } from '../backoff.ts'
import { type ActionRequest, runAction } from '../run-action.ts'
import type { Deadline } from './poll.ts'

/**
 * Does the action, patiently: a platform that is down is asked again until the deadline.
 *
 * A try that certainly wrote nothing ends its step and is followed by another; one that may have, or of which nothing is
 * known since it died, is tried again within its step. So the second attempt of a step is always in doubt, and no other.
 */
export async function startJob(
  category: Category,
  work: ActionRequest,
  context: DurableContext,
  { deadline, deadlineAt }: Deadline,
): Promise<Outcome | StartedJob | Delegated> {
  for (let tries = 1; ; tries++) {
    const tried = await context.step(
      work.action,
      async ({ attempt }): Promise<Outcome | StartedJob | Delegated | { again: number; reason: string }> => {
        const repeated = attempt > 1
        try {
          return await runAction(category, work, deadlineAt, repeated ? 'possible' : 'nothing')
        } catch (error) {
          const timeLeft = deadlineAt - Date.now()
          const inDoubt = repeated || (error instanceof Failure && (error.afterWrite || error.kind === 'doubtful'))
          const failure = kindOf(error)
          if (failure === 'internal') log.error('internal error', error as Error)
          log.warn(`${work.action} did not succeed`, { tries, attempt, failure, reason: messageOf(error) })
          if (!isTransient(error) || timeLeft <= lastTry) {
            const outcome = redactDeep(errored(isTransient(error) ? givenUp(error as Failure, deadline) : error))
            return work.delegates && inDoubt ? delegatedWithUnknownOutcome(outcome) : outcome
          }
          if (inDoubt) throw error
          const reason = redact(messageOf(error)).slice(0, MAX_REASON_LENGTH)
          return { again: pause(error as Failure, tries, deadline, deadlineAt), reason }
        }
      },
      {
        // So that a second run knows that it is one.
        semantics: StepSemantics.AtMostOncePerRetry,
        retryStrategy: (error, attempt) => ({
          shouldRetry: attempt < mostTries,
          delay: { seconds: pause(error, attempt, deadline, deadlineAt) },
        }),
      },
    )
    if (!('again' in tried)) return tried
    await context.wait('pause', { seconds: tried.again })
  }
}

/** Of the reason that the status of a task shows while it waits for the next attempt. */
const MAX_REASON_LENGTH = 500
/** Of the 3,000 operations that an execution may have. */
const mostTries = 2_000
/** With less time left than this a try is the last one, in milliseconds. */
const lastTry = 1_500

/** Seconds until the next try of an action: doubling to a minute (longer for deadlines of days), before the deadline. */
function pause(error: Error, attempt: number, deadline: number, deadlineAt: number): number {
  const left = (deadlineAt - Date.now()) / 1_000 - 1
  return Math.max(1, Math.floor(Math.min(backoffSeconds(error, attempt, 1, Math.max(60, deadline / 1_000)), left)))
}

function givenUp(error: Failure, deadline: number): Failure {
  return new Failure(error.kind, `${toSentence(error.message)} Gave up at the deadline of ${formatDuration(deadline)}.`)
}

/** The platform may have taken it, and then it answers: nothing sent is better than two. */
export function delegatedWithUnknownOutcome(outcome: Outcome): Delegated {
  log.error('it is in doubt whether the platform answers this task: nothing is sent', { reason: outcome.message })
  const message = `${toSentence(outcome.message)} It may have been taken all the same, and is then answered by the platform: so no finished was sent.`
  return { outcome: { ...outcome, message }, delegatedTo: 'in doubt' }
}
