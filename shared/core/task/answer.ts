import { type DurableContext, StepSemantics } from '@aws/durable-execution-sdk-js'
import { log } from '../../log.ts'
import { masked, type Reply } from '../../orchestrators/keptn/reply.ts'
import { loadOrchestrator } from '../../orchestrators/orchestrator.ts'
import { backoffSeconds } from '../backoff.ts'

/** Attempts over about a day. */
const mostSends = 300

interface SendOptions {
  /** Epoch milliseconds after which it is not sent any more; without, it must be sent. */
  until?: number
  /** Whether an earlier step may have sent it. */
  doubtful?: boolean
}

/**
 * Sends an event as a step of a durable execution, and does not give up for a day: whoever waits for it has no time-out of
 * its own.
 *
 * @param step its name
 * @param orchestrator the name of its secret
 * @returns whether it was sent
 */
export async function sendAnswer(
  context: DurableContext,
  step: string,
  orchestrator: string,
  reply: Reply,
  { until = Number.POSITIVE_INFINITY, doubtful = false }: SendOptions = {},
): Promise<boolean> {
  return context.step(
    step,
    async ({ attempt }) => {
      const repeated = attempt > 1
      if (repeated && Date.now() > until) return false
      const { send } = await loadOrchestrator(orchestrator, repeated)
      await send(masked(reply), attempt - (doubtful ? 0 : 1))
      return true
    },
    {
      // So that a second run knows that it is one.
      semantics: StepSemantics.AtMostOncePerRetry,
      retryStrategy: (error, attempt) => {
        log.warn(`${step} did not succeed`, { attempt, reason: error.message })
        return { shouldRetry: attempt < mostSends, delay: { seconds: backoffSeconds(error, attempt, 5, 300) } }
      },
    },
  )
}
