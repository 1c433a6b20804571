import { kindOf, messageOf } from '../../../shared/errors.ts'
import { isInForce } from '../../../shared/policy/kinds/stop.ts'
import { describeScope, type OperateStops } from '../operator/operate-stops.ts'

/** A stop in force, for the page. */
export interface StopView {
  id: string
  by: string
  reason: string
  /** Epoch milliseconds. */
  at: number
  until?: number | undefined
  /** The actions, connections and callers: `everything`. */
  scope: string
}

export interface StopViews {
  stops: StopView[]
  /** Why they cannot be read. */
  problem?: string | undefined
}

/** Reads the stops in force. Does not throw. */
export async function stopViews(operate: OperateStops): Promise<StopViews> {
  try {
    const { stops } = await operate({ operation: 'list' })
    const now = Date.now()
    return { stops: stops.filter((stop) => isInForce(stop, now)).map(viewOf) }
  } catch (error) {
    // A stack of an earlier version has none.
    return { stops: [], problem: kindOf(error) === 'invalid' ? undefined : messageOf(error) }
  }
}

function viewOf(stop: Parameters<typeof describeScope>[0] & Omit<StopView, 'scope'>): StopView {
  const { id, by, reason, at, until } = stop
  return { id, by, reason, at, until, scope: describeScope(stop) }
}
