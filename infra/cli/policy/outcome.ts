import type { PolicyCall } from '../../../shared/policy/call.ts'
import { describeRule } from '../../../shared/policy/describe.ts'
import { evaluateCaller, evaluatePolicy } from '../../../shared/policy/evaluate.ts'
import type { ApprovalRule, Ask } from '../../../shared/policy/kinds/approval.ts'
import type { PolicyRefusal } from '../../../shared/policy/kinds/index.ts'
import type { Policy, Rule } from '../../../shared/policy/policy.ts'
import { conditionsIn, turnsIn } from '../../../shared/policy/requirements.ts'
import { describeTime } from '../../../shared/policy/time-zone.ts'
import { stateOfWindow, type Window } from '../../../shared/policy/window.ts'

/** A rule that a call matches, at some time. */
export interface MatchedRule {
  rule: string
  /** The rule in a sentence. */
  text: string
  effect: 'deny' | 'refuse' | 'wait' | 'approve' | 'turn' | 'limit'
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
   * `starts`: the action starts at once. `asks`: the task of an interactive call asks people. `waits`: it waits. `expires`: it waits, and the
   * window does not open in time. `closed`, `denied`, `incomplete`, `requester` and `unasked`: the call is refused.
   */
  result: 'starts' | 'asks' | 'waits' | 'expires' | PolicyRefusal['type']
  /** The approvals that its task asks for. */
  asks?: Ask[]
  /** The targets for which its task takes turns, last. */
  turns?: string[]
  /** The rule that refuses the call. Undefined for the entry of the caller. */
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
  const verdict = evaluateCaller(evaluatePolicy(policy, call, at), call, policy.approval)
  const { refusal, requirements, waitAtMost } = verdict
  const matched = verdict.matched.map((one) => matchedRule(one, at))
  if (refusal) return { result: refusal.type, rule: refusal.rule, matched }
  const targets = turnsIn(requirements).map(({ target }) => target)
  const turns = targets.length > 0 ? { turns: targets } : {}
  const asks = conditionsIn(requirements).flatMap((requirement) => {
    const isMet = requirement.type === 'window' && stateOfWindow(requirement.window, at).isOpen
    return requirement.ask && !isMet ? [requirement.ask] : []
  })
  // A window that people can open may be closed.
  const windows = requirements.flatMap((requirement) =>
    requirement.type === 'window' && !requirement.ask ? [requirement.window] : [],
  )
  const { startsAt, timeZone } = startOf(windows, at, at + waitAtMost * 1_000)
  if (asks.length > 0 && startsAt !== undefined) {
    const after = startsAt === at ? {} : { starts: timeOf(startsAt, timeZone), startsAt: iso(startsAt) }
    return { result: 'asks', asks, ...after, ...turns, waitAtMost, matched }
  }
  if (startsAt === at) return { result: 'starts', ...turns, matched }
  if (startsAt === undefined) return { result: 'expires', waitAtMost, matched }
  return { result: 'waits', starts: timeOf(startsAt, timeZone), startsAt: iso(startsAt), ...turns, waitAtMost, matched }
}

function matchedRule(one: Rule, at: number): MatchedRule {
  const { name: rule, effect } = one
  const text = describeRule(one)
  switch (effect.type) {
    case 'deny':
      return { rule, text, effect: 'deny', reason: effect.reason }
    case 'turn':
      return { rule, text, effect: 'turn', reason: effect.per }
    case 'atMost':
      return { rule, text, effect: 'limit', reason: `${effect.count} starts for ${effect.for}` }
    case 'approval':
      return { rule, text, effect: 'approve', reason: describeApprovers(effect) }
    case 'window': {
      const { isOpen, changesAt, reason } = stateOfWindow(effect.window, at)
      return {
        rule,
        text,
        effect: typeof effect.otherwise === 'string' ? effect.otherwise : 'approve',
        isOpen,
        reason,
        changes: timeOf(changesAt, effect.window.timeZone),
        changesAt: iso(changesAt),
      }
    }
  }
}

/** Returns the first time at which all windows are open, and the time zone of the last one that opens. */
function startOf(
  windows: readonly Window[],
  now: number,
  until: number,
): { startsAt: number | undefined; timeZone: string } {
  let [startsAt, timeZone] = [now, 'UTC']
  for (;;) {
    const closed = windows
      .map((window) => ({ window, ...stateOfWindow(window, startsAt) }))
      .find(({ isOpen }) => !isOpen)
    if (!closed) return { startsAt, timeZone }
    const { changesAt, window } = closed
    if (changesAt === undefined || changesAt > until) return { startsAt: undefined, timeZone }
    startsAt = changesAt
    timeZone = window.timeZone
  }
}

/**
 * Describes who has to approve.
 *
 * @example '2 of jane@example.com, U012ABCDEF, not the requester'
 */
export function describeApprovers({
  count,
  by,
  notRequester,
  complete,
}: Pick<ApprovalRule, 'count' | 'by' | 'notRequester' | 'complete'>): string {
  const people = by ? by.join(', ') : 'the people in the channel'
  return `${count} of ${people}${notRequester ? ', not the requester' : ''}${complete ? ', on the page with the complete request' : ''}`
}

function timeOf(instant: number | undefined, timeZone: string): string | undefined {
  return instant === undefined ? undefined : describeTime(instant, timeZone)
}

function iso(instant: number | undefined): string | undefined {
  return instant === undefined ? undefined : new Date(instant).toISOString()
}
