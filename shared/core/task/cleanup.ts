import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { kindOf, messageOf } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import { backoffSeconds } from '../backoff.ts'
import { type ActionRequest, cleanUpJob as takeBackOnce } from '../run-action.ts'

/** What must not go on is tried to be ended for some hours. */
const mostTries = 200
/** What one try may take, in milliseconds. */
const timeForTry = 60_000
/** A request that nobody waits for any more may still get through; in seconds. */
const onItsWay = 30

/**
 * Ends what a task may have begun and nobody looks after any more, and looks again when nothing of it can still be on its way.
 *
 * @returns why it could not be ended; undefined where it is
 */
export async function cleanUp(
  category: Category,
  work: ActionRequest,
  context: DurableContext,
): Promise<string | undefined> {
  await tryToTakeBack('take-back', category, work, context)
  await context.wait('on-its-way', { seconds: onItsWay })
  return tryToTakeBack('take-back-again', category, work, context)
}

async function tryToTakeBack(
  name: string,
  category: Category,
  work: ActionRequest,
  context: DurableContext,
): Promise<string | undefined> {
  const { why } = await context.step(
    name,
    async ({ attempt }): Promise<{ why?: string }> => {
      try {
        await takeBackOnce(category, work, Date.now() + timeForTry)
        return {}
      } catch (error) {
        if (attempt < mostTries) throw error
        log.error('what a task had begun could not be ended', error as Error, { failure: kindOf(error) })
        return { why: redact(messageOf(error)) }
      }
    },
    {
      retryStrategy: (error, attempt) => ({
        shouldRetry: attempt < mostTries,
        delay: { seconds: backoffSeconds(error, attempt, 2, 60) },
      }),
    },
  )
  return why
}
