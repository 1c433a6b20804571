import { type DurableContext, StepSemantics } from '@aws/durable-execution-sdk-js'
import { kindOf } from '../../errors.ts'
import { log } from '../../log.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import type { Answer } from '../../orchestrators/orchestrator.ts'
import { backoffSeconds } from '../backoff.ts'
import type { Task } from '../call.ts'

/** About a day of retries. */
const MAX_SEND_ATTEMPTS = 300

interface SendOptions {
  /** Epoch milliseconds after which it is not sent again. Without it, the answer must be sent. */
  until?: number
  /** Whether an earlier step may have sent it. */
  mayBeSent?: boolean
}

/**
 * Sends an answer as a step of a durable execution, with retries for a day, because the orchestrator waits for it without a
 * timeout.
 *
 * @returns whether it was sent
 */
export async function sendAnswer(
  context: DurableContext,
  step: string,
  task: Task,
  answer: Answer,
  { until = Number.POSITIVE_INFINITY, mayBeSent = false }: SendOptions = {},
): Promise<boolean> {
  return context.step(
    step,
    async ({ attempt }) => {
      const isRetry = attempt > 1
      if (isRetry && Date.now() > until) return false
      const { send } = await loadOrchestrator(task.orchestrator, isRetry)
      await send(task, answer, attempt - (mayBeSent ? 0 : 1))
      return true
    },
    {
      // A second run must know that it is one.
      semantics: StepSemantics.AtMostOncePerRetry,
      retryStrategy: (error, attempt) => {
        log.warn(`${step} failed`, { attempt, kind: kindOf(error), reason: error.message })
        return { shouldRetry: attempt < MAX_SEND_ATTEMPTS, delay: { seconds: backoffSeconds(error, attempt, 5, 300) } }
      },
    },
  )
}
