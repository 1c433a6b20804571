import { evaluatePolicy } from '../../../shared/policy/evaluate.ts'
import type { Policy, PolicyCall, Requirement } from '../../../shared/policy/policy.ts'
import { describeTime } from '../../../shared/policy/time-zone.ts'
import { stateOfWindow } from '../../../shared/policy/window.ts'

/** A rule that a call matches, at some time. */
export interface MatchedRule {
  rule: string
  effect: 'deny' | 'refuse' | 'wait'
  reason?: string | undefined
  /** Undefined for a rule without a window. */
  isOpen?: boolean
  /** When the window opens or closes: for people, and in ISO 8601. */
  changes?: string | undefined
  changesAt?: string | undefined
}

/** The result of the policy for a call. */
export interface PolicyOutcome {
  /**
   * `starts`: the action starts at once. `waits`: the task of an interactive call waits. `expires`: it waits, and the window does
   * not open in time. `closed` and `denied`: the call is refused.
   */
  result: 'starts' | 'waits' | 'expires' | 'closed' | 'denied'
  /** The rule that refuses the call. */
  rule?: string | undefined
  startsAt?: string | undefined
  /** For people. */
  starts?: string | undefined
  /** How long the task may wait, in seconds. */
  waitAtMost?: number
  matched: MatchedRule[]
}

/**
 * Evaluates the policy for a call at some time, as if it were enforced.
 *
 * @param at epoch milliseconds
 */
export function outcomeOf(policy: Policy, call: PolicyCall, at: number): PolicyOutcome {
  const verdict = evaluatePolicy(policy, call, at)
  const { refusal, requirements, waitAtMost } = verdict
  const matched = verdict.matched.map(({ name: rule, effect }): MatchedRule => {
    if (effect.type === 'deny') return { rule, effect: 'deny', reason: effect.reason }
    const { isOpen, changesAt, reason } = stateOfWindow(effect.window, at)
    const { timeZone } = effect.window
    return {
      rule,
      effect: effect.otherwise,
      isOpen,
      reason,
      changes: timeOf(changesAt, timeZone),
      changesAt: iso(changesAt),
    }
  })
  if (refusal) return { result: refusal.type, rule: refusal.rule, matched }
  const { startsAt, timeZone } = startOf(requirements, at, at + waitAtMost * 1_000)
  if (startsAt === at) return { result: 'starts', matched }
  if (startsAt === undefined) return { result: 'expires', waitAtMost, matched }
  return { result: 'waits', starts: timeOf(startsAt, timeZone), startsAt: iso(startsAt), waitAtMost, matched }
}

/** Returns the first time at which all windows are open, and the time zone of the last one that opens. */
function startOf(
  requirements: readonly Requirement[],
  now: number,
  until: number,
): { startsAt: number | undefined; timeZone: string } {
  let [startsAt, timeZone] = [now, 'UTC']
  for (;;) {
    const closed = requirements
      .map(({ window }) => ({ window, ...stateOfWindow(window, startsAt) }))
      .find(({ isOpen }) => !isOpen)
    if (!closed) return { startsAt, timeZone }
    const { changesAt, window } = closed
    if (changesAt === undefined || changesAt > until) return { startsAt: undefined, timeZone }
    startsAt = changesAt
    timeZone = window.timeZone
  }
}

function timeOf(instant: number | undefined, timeZone: string): string | undefined {
  return instant === undefined ? undefined : describeTime(instant, timeZone)
}

function iso(instant: number | undefined): string | undefined {
  return instant === undefined ? undefined : new Date(instant).toISOString()
}
