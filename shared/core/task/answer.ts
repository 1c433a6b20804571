import { type DurableContext, StepInterruptedError, StepSemantics } from '@aws/durable-execution-sdk-js'
import { kindOf } from '../../errors.ts'
import { log } from '../../log.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import type { Answer, AnsweredTask, Delivery } from '../../orchestrators/orchestrator.ts'
import type { Outcome } from '../../outcome.ts'
import { markEnd } from '../../state/task-ends.ts'
import { backoffSeconds, IN_FLIGHT_SECONDS } from '../backoff.ts'
import type { Task } from '../call.ts'
import { SEND_FINISHED } from './steps.ts'

/** About a day of retries. */
const MAX_SEND_ATTEMPTS = 300
/** Longer than the wait after an interrupted attempt. */
const MAX_OBSERVERS_MS = 120_000
interface SendOptions {
  /** Epoch milliseconds after which it is not sent again. Without it, the answer must be sent. */
  until?: number
  /** Whether an earlier step may have sent it. */
  mayBeSent?: boolean
}

/**
 * Why an answer was not sent although the task has ended. `lost`: the address for the answer cannot be decrypted, or its
 * credentials have expired.
 */
export type Unanswered = Exclude<Delivery, 'sent'>

/**
 * Sends an answer as a step of a durable execution, with retries for a day, because the orchestrator waits for it without a
 * timeout.
 *
 * @returns whether it was sent, or why it never will be
 */
export async function sendAnswer(
  context: DurableContext,
  step: string,
  task: Task,
  answer: Answer,
  { until = Number.POSITIVE_INFINITY, mayBeSent = false }: SendOptions = {},
): Promise<boolean | Unanswered> {
  return context.step(
    step,
    async ({ attempt }) => {
      const isRetry = attempt > 1
      if (isRetry && Date.now() > until) return false
      const delivery = await deliver(task, answer, attempt - (mayBeSent ? 0 : 1), isRetry)
      if (step === SEND_FINISHED) await markEnd(task)
      return delivery === 'sent' || delivery
    },
    {
      // A second run must know that it is one.
      semantics: StepSemantics.AtMostOncePerRetry,
      retryStrategy: (error, attempt) => {
        log.warn(`${step} failed`, { attempt, kind: kindOf(error), reason: error.message })
        const min = error instanceof StepInterruptedError ? IN_FLIGHT_SECONDS : 5
        return {
          shouldRetry: attempt < MAX_SEND_ATTEMPTS,
          delay: { seconds: backoffSeconds(error, attempt, min, 300) },
        }
      },
    },
  )
}

/**
 * Sends the outcome to those who only watch, if the orchestrator has any, with retries for two minutes: the one that waits gets it
 * afterwards, and may read the status of the task immediately.
 *
 * @param at when the task ended, in epoch milliseconds
 */
export async function sendToObservers(
  context: DurableContext,
  task: Task,
  outcome: Outcome,
  at: number | undefined,
): Promise<void> {
  if (!task.hasObservers || at === undefined) return
  const answer: Answer = { kind: 'finished', outcome, at, forObservers: true }
  await sendAnswer(context, 'send-to-observers', task, answer, { until: at + MAX_OBSERVERS_MS })
}

/**
 * Sends an answer once.
 *
 * @param uncertainAttempts how many earlier attempts may have delivered it
 * @param fresh reads the secret of the orchestrator again
 * @throws Failure
 */
export async function deliver(task: Task, answer: Answer, uncertainAttempts: number, fresh = false): Promise<Delivery> {
  const { send } = await loadOrchestrator(task.orchestrator, { fresh, ignoresUnknown: true })
  const { id, category, action, caller, event: origin, apiUrl, labels: linksAsLabels, sealedReplyTo } = task
  const answered: AnsweredTask = { id, category, action, caller, origin, apiUrl, linksAsLabels }
  if (sealedReplyTo !== undefined) {
    // Loaded when used: few calls supply an address.
    const { openAddress } = await import('../../auth/reply-address.ts')
    const replyTo = await openAddress(id, sealedReplyTo)
    if (replyTo === undefined) return lose('Neither key of the secret callbacks decrypts the address for the answer.')
    answered.replyTo = replyTo
  }
  const delivery = await send(answered, answer, uncertainAttempts)
  if (delivery === 'unwanted') log.warn('answer unwanted', { answer: answer.kind, answerUnwanted: true })
  return delivery === 'lost' ? lose('The engine no longer accepts the credentials that the call supplied.') : delivery
}

function lose(reason: string): 'lost' {
  // An alarm counts these lines.
  log.error('answer lost', { answerLost: true, reason })
  return 'lost'
}
