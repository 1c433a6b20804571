import { canonicalJson } from '../canonical-json.ts'
import type { PolicyCall } from './call.ts'
import { matchingRules } from './match.ts'
import type { Policy, Rule } from './policy.ts'
import { describeTime } from './time-zone.ts'
import { stateOfWindow, type Window } from './window.ts'

/** Whether today's rules let an action start. `why` is a sentence without its full stop, for people. */
export type TodaysDecision =
  | { type: 'allowed' }
  /** A window is closed for which its task waits. */
  | { type: 'closed'; why: string }
  /** The call ends without a start. */
  | { type: 'refused'; why: string }

/** A closed window that people have opened. */
interface OpenedWindow {
  /** The name of its rule. */
  rule: string
  /** Unknown to tasks of earlier versions. */
  window?: Window | undefined
}

/**
 * Applies the policy of today to the start of an action that an earlier one has allowed. It only restricts: approvals, turns and limits
 * stay those of the acceptance, because people have decided, and others queue.
 *
 * @param policy undefined if there is none
 * @param opened the closed windows that people have opened for this action
 * @param now epoch milliseconds
 */
export function applyToday(
  policy: Policy | undefined,
  call: PolicyCall,
  opened: readonly OpenedWindow[],
  now: number,
): TodaysDecision {
  if (!policy?.enforce) return { type: 'allowed' }
  const decisions = matchingRules(policy.rules, call)
    .filter((rule) => !isOpened(rule, opened))
    .map((rule) => applyRule(rule, now))
  return (
    decisions.find(({ type }) => type === 'refused') ??
    decisions.find(({ type }) => type === 'closed') ?? { type: 'allowed' }
  )
}

/** Whether people have let the action start in spite of a rule. They have not if it is another one today. */
function isOpened({ name, effect }: Rule, opened: readonly OpenedWindow[]): boolean {
  if (effect.type !== 'window' || typeof effect.otherwise === 'string') return false
  const today = canonicalJson(effect.window)
  return opened.some(({ rule, window }) => rule === name && (window === undefined || canonicalJson(window) === today))
}

function applyRule({ name, effect }: Rule, now: number): TodaysDecision {
  switch (effect.type) {
    case 'deny':
      return { type: 'refused', why: `The policy has changed: ${name} (${effect.reason})` }
    case 'window': {
      const { isOpen, changesAt, reason } = stateOfWindow(effect.window, now)
      if (isOpen) return { type: 'allowed' }
      const because = reason === undefined ? '' : ` (${reason})`
      return {
        type: effect.otherwise === 'refuse' ? 'refused' : 'closed',
        why: `The policy has changed: ${name}${because}, until ${describeTime(changesAt, effect.window.timeZone)}`,
      }
    }
    case 'approval':
    case 'turn':
    case 'atMost':
      return { type: 'allowed' }
  }
}
