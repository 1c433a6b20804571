import { describeStop, findStop, type StartingAction, type Stop } from './kinds/stop.ts'
import type { WindowRequirement } from './kinds/window.ts'
import { describeTime } from './time-zone.ts'
import { stateOfWindow } from './window.ts'

/** The windows in which an action may start. The payload of a task contains them. */
export interface StartWindows {
  /** While one of these is closed, the action no longer starts. */
  refusing: readonly WindowRequirement[]
  /** While one of these is closed, the task waits, or people may let it start. */
  awaited: readonly WindowRequirement[]
}

/** Whether an action may start. `why` is a sentence without its full stop, for people. */
export type StartDecision =
  | { type: 'allowed' }
  /** A window for which the task can wait has closed. */
  | { type: 'closed'; why: string }
  /** People have stopped it, or it is not known whether they have. The task waits. */
  | { type: 'stopped'; why: string }
  /** The call ends without a start. */
  | { type: 'refused'; why: string }

/**
 * Decides whether an action may start: asked directly before its first write, in every attempt, because everything that makes a call
 * wait would otherwise carry the permission of its arrival past a rule. The strictest answer wins.
 *
 * @param stops all stops, as they are now
 * @param now epoch milliseconds
 * @example if (mayStart(action, windows, await readStops(), Date.now()).type !== 'allowed') return
 */
export function mayStart(
  action: StartingAction,
  { refusing, awaited }: StartWindows,
  stops: readonly Stop[],
  now: number,
): StartDecision {
  const refusal = closedIn(refusing, now)
  if (refusal !== undefined) return { type: 'refused', why: `The window has closed: ${refusal}` }
  const stop = findStop(stops, action, now)
  if (stop) return { type: stop.end ? 'refused' : 'stopped', why: describeStop(stop) }
  const closed = closedIn(awaited, now)
  return closed === undefined ? { type: 'allowed' } : { type: 'closed', why: `The window has closed: ${closed}` }
}

/** Names the first window that is closed: `year end (Year-end closing), until Tuesday, 2027-01-05 00:00 Europe/Vienna`. */
function closedIn(windows: readonly WindowRequirement[], now: number): string | undefined {
  for (const { rule, window } of windows) {
    const { isOpen, changesAt, reason } = stateOfWindow(window, now)
    if (isOpen) continue
    return `${rule}${reason === undefined ? '' : ` (${reason})`}, until ${describeTime(changesAt, window.timeZone)}`
  }
  return undefined
}
