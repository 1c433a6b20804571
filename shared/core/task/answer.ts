import { type DurableContext, StepInterruptedError, StepSemantics } from '@aws/durable-execution-sdk-js'
import { kindOf } from '../../errors.ts'
import { log } from '../../log.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import type { Answer, AnsweredTask, Delivery } from '../../orchestrators/orchestrator.ts'
import type { Outcome } from '../../outcome.ts'
import { markEnd } from '../../state/task-ends.ts'
import { backoffSeconds, IN_FLIGHT_SECONDS } from '../backoff.ts'
import type { Task } from '../call.ts'
import { SEND_FINISHED, WAIT_FOR_PAUSE } from './steps.ts'

/** About a day of retries. */
const MAX_SEND_ATTEMPTS = 300
/** Longer than the wait after an interrupted attempt. */
const MAX_OBSERVERS_MS = 120_000
interface SendOptions {
  /** Epoch milliseconds after which it is not sent again. Without it, the answer must be sent. */
  until?: number
  /** Whether an earlier step may have sent it. */
  mayBeSent?: boolean
  /** Whether the engine has paused for it. */
  hasPaused?: boolean
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
  { until = Number.POSITIVE_INFINITY, mayBeSent = false, hasPaused }: SendOptions = {},
): Promise<boolean | Unanswered> {
  return context.step(
    step,
    async ({ attempt }) => {
      const isRetry = attempt > 1
      if (isRetry && Date.now() > until) return false
      const uncertainAttempts = attempt - (mayBeSent ? 0 : 1)
      const delivery = await deliver(task, answer, { uncertainAttempts, fresh: isRetry, hasPaused })
      if (step === SEND_FINISHED) await markEnd(task)
      return delivery === 'sent' || delivery
    },
    {
      // A second run must know that it is one.
      semantics: StepSemantics.AtMostOncePerRetry,
      retryStrategy: retryFor(step),
    },
  )
}

/** Logs each failure of a step, and repeats it for a day. */
function retryFor(step: string) {
  return (error: Error, attempt: number) => {
    log.warn(`${step} failed`, { attempt, kind: kindOf(error), reason: error.message })
    const min = error instanceof StepInterruptedError ? IN_FLIGHT_SECONDS : 5
    return {
      shouldRetry: attempt < MAX_SEND_ATTEMPTS,
      delay: { seconds: backoffSeconds(error, attempt, min, 300) },
    }
  }
}

/**
 * Sends the result of a task. If the engine must pause for it, first waits for that.
 *
 * @param hasPaused whether an earlier execution has seen the pause
 * @returns whether it was sent, or why it never will be
 */
export async function sendFinished(
  context: DurableContext,
  task: Task,
  answer: Answer,
  { mayBeSent, hasPaused }: Pick<SendOptions, 'mayBeSent' | 'hasPaused'> = {},
): Promise<boolean | Unanswered> {
  const isPaused = task.needsPause ? hasPaused || (await waitForPause(context, task, answer)) : undefined
  return sendAnswer(context, 'send-finished', task, answer, { mayBeSent, hasPaused: isPaused })
}

function waitForPause(context: DurableContext, task: Task, { at }: Answer): Promise<boolean> {
  return context.step(
    'wait-for-pause',
    async ({ attempt }) => {
      const { hasPaused } = await loadOrchestrator(task.orchestrator, { fresh: attempt > 1, ignoresUnknown: true })
      return (await hasPaused?.(answeredTaskOf(task), at ?? Date.now())) ?? false
    },
    { retryStrategy: retryFor(WAIT_FOR_PAUSE) },
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

interface DeliverOptions {
  /** How many earlier attempts may have delivered it. */
  uncertainAttempts?: number
  /** Reads the secret of the orchestrator again. */
  fresh?: boolean
  /** Whether the engine has paused for it. */
  hasPaused?: boolean | undefined
}

/**
 * Sends an answer once.
 *
 * @throws Failure
 */
export async function deliver(
  task: Task,
  answer: Answer,
  { uncertainAttempts = 0, fresh = false, hasPaused }: DeliverOptions = {},
): Promise<Delivery> {
  const { send } = await loadOrchestrator(task.orchestrator, { fresh, ignoresUnknown: true })
  const answered: AnsweredTask = { ...answeredTaskOf(task), hasPaused }
  const { id, sealedReplyTo } = task
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

function answeredTaskOf({
  id,
  category,
  action,
  caller,
  event: origin,
  apiUrl,
  labels: linksAsLabels,
}: Task): AnsweredTask {
  return { id, category, action, caller, origin, apiUrl, linksAsLabels }
}

function lose(reason: string): 'lost' {
  // An alarm counts these lines.
  log.error('answer lost', { answerLost: true, reason })
  return 'lost'
}
