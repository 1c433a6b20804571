import { describeReached, type StartLimit } from '../policy/kinds/at-most.ts'
import type { StartDecision } from '../policy/may-start.ts'
import { countStart } from '../state/start-counts.ts'

/** The limits of a call. */
interface StartLimits {
  /** Above one of these, the call ends. */
  refusing: readonly StartLimit[]
  /** Above one of these, its task waits, or asks people. */
  awaited: readonly StartLimit[]
  /** People have let the action start above these. */
  raised: readonly StartLimit[]
}

/**
 * Counts the start for all limits of a call, if it is within them. Called last, so that what is held for another reason does not count.
 *
 * @param id of the call, which counts once
 */
export async function countStarts({ refusing, awaited, raised }: StartLimits, id: string): Promise<StartDecision> {
  for (const limit of [...refusing, ...awaited]) {
    const opensAt = await countStart(limit, id, Date.now())
    if (opensAt === undefined) continue
    return { type: refusing.includes(limit) ? 'refused' : 'closed', why: describeReached(limit, opensAt) }
  }
  for (const limit of raised) await countStart(limit, id, Date.now(), true)
  return { type: 'allowed' }
}
