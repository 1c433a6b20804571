import type { DurableContext } from '@aws/durable-execution-sdk-js'
import type { Completed, Delegated } from '../../providers/action.ts'
import type { Task } from '../call.ts'
import type { StartCheck } from '../start-gate.ts'
import { type CanceledState, canceledState, cancelerIn, cancelerOf } from './cancellation.ts'
import { canceledBeforeStart, notStarted, waitedFor } from './not-started.ts'
import type { Reports } from './poll.ts'
import type { Held } from './retry-start.ts'
import { HOLD } from './steps.ts'
import { type WaitState, waitUntilDone } from './wait.ts'

/** State that is checkpointed between two checks. */
interface HoldState extends WaitState, CanceledState {
  /** Describes the wait for people. */
  waitsFor: string
  /** Its start, in epoch milliseconds. */
  heldAt?: number | undefined
  /** When the action was allowed to start again, in epoch milliseconds. */
  releasedAt?: number | undefined
  /** Why it can no longer start. */
  endedBy?: string | undefined
}

/** The end of a stop. */
interface Released {
  type: 'released'
  /** Since when the action may start, in epoch milliseconds. */
  releasedAt: number
  heldMs: number
}

/** How long a task waits for the end of a stop, if its own limit is not later. */
const MIN_WAIT_MS = 3_600_000
/** So late is an action after the end of a stop. */
const CHECK_SECONDS = 60
/** An execution may have 3,000 operations. */
const MAX_CHECKS = 500

/**
 * Waits until an action that people have stopped may start again.
 *
 * @param held the attempt that was held back
 * @param until when the task stops waiting for its requirements, in epoch milliseconds
 * @returns since when it may start, and how long it was held, in milliseconds; or the end of the task
 */
export async function waitUntilReleased(
  context: DurableContext,
  task: Task,
  mayStart: StartCheck,
  held: Held,
  until: number,
  reports: Reports,
): Promise<Released | Completed | Delegated> {
  const check = async (state: HoldState): Promise<HoldState> => {
    const now = Date.now()
    const { heldAt = now } = state
    const known = { ...state, heldAt, nextPollIn: undefined }
    const canceler = await cancelerOf(task)
    if (canceler) return { ...known, ...canceledState(canceler) }
    const decision = await mayStart()
    if (decision.type === 'refused') return { ...known, endedBy: decision.why }
    // A window that has closed meanwhile is the next wait.
    if (decision.type !== 'stopped') return { ...known, releasedAt: now }
    const left = Math.max(until, heldAt + MIN_WAIT_MS) - now
    if (left <= 0) return known
    if (state.heldAt === undefined || decision.why !== state.waitsFor) await reports.progress?.(decision.why)
    await reports.heartbeat?.()
    const interval = Math.max(CHECK_SECONDS, (left + now - heldAt) / 1_000 / MAX_CHECKS)
    return { ...known, waitsFor: decision.why, nextPollIn: Math.max(1, Math.ceil(Math.min(left / 1_000, interval))) }
  }
  const last = await waitUntilDone(context, HOLD, { initialState: { waitsFor: held.why }, check })
  const { heldAt = 0, releasedAt } = last
  if (releasedAt === undefined) return endedOf(task, last, held, until)
  return { type: 'released', releasedAt, heldMs: releasedAt - heldAt }
}

function endedOf(task: Task, state: HoldState, { mayHaveWritten }: Held, until: number): Completed | Delegated {
  const { endedBy, heldAt = 0, waitsFor } = state
  const canceler = cancelerIn(state)
  if (canceler) return canceledBeforeStart(task, canceler, mayHaveWritten)
  if (endedBy !== undefined) return notStarted(task, endedBy, mayHaveWritten)
  return waitedFor(task, Math.max(until - heldAt, MIN_WAIT_MS), waitsFor, mayHaveWritten)
}
