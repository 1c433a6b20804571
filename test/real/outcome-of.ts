import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../../shared/outcome.ts'
import type { PollResult } from '../../shared/providers/action.ts'

const MAX_POLLS = 60

/** Polls a job twice a second until it has ended. */
export async function outcomeOf(poll: () => Promise<PollResult>): Promise<Outcome> {
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    const result = await poll()
    if ('outcome' in result) return result.outcome
    await sleep(500)
  }
  throw new Error(`The job has not ended after ${MAX_POLLS} polls.`)
}
