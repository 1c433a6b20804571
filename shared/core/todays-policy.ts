import * as z from 'zod/mini'
import { invokeFunction } from '../aws/lambda.ts'
import { serviceUnavailable } from '../errors.ts'
import { log } from '../log.ts'
import { decideStart, type StartQuestion } from '../policy/handler.ts'
import type { TodaysDecision } from '../policy/today.ts'
import { settings } from '../settings.ts'

const TIMEOUT_MS = 6_000

const decisionSchema = z.union([
  z.object({ type: z.literal('allowed') }),
  z.object({ type: z.enum(['closed', 'refused']), why: z.string() }),
])

/**
 * Asks whether the policy of today lets an action start.
 *
 * @throws Failure `unavailable`: it is not known, so nothing may start
 */
export async function askTodaysPolicy(question: StartQuestion): Promise<TodaysDecision> {
  try {
    const name = settings.policyFunction
    return name === undefined
      ? decideStart(question)
      : decisionSchema.parse(await invokeFunction(name, question, TIMEOUT_MS))
  } catch (cause) {
    log.warn('policy of today not asked', cause as Error)
    throw serviceUnavailable('The policy of today cannot be read, so it is not known whether it allows this call.', {
      cause,
    })
  }
}
