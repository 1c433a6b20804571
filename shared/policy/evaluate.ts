import { matchingRules } from './match.ts'
import type { Policy, PolicyCall, Requirement, Rule } from './policy.ts'
import { stateOfWindow } from './window.ts'

/** The result of the rules for a call at some time. */
export interface Verdict {
  /** The rules that the call matches. */
  matched: Rule[]
  refusal: PolicyRefusal | undefined
  /** Must be met before the action starts. Empty if the call is refused. */
  requirements: Requirement[]
  /** How long its task may wait for them, in seconds. */
  waitAtMost: number
}

/** The rule that refuses a call, and why. */
export interface PolicyRefusal {
  rule: string
  type: 'denied' | 'closed'
  reason: string | undefined
  /** When the window opens, in epoch milliseconds. Undefined if it never does. */
  opensAt?: number | undefined
}

/**
 * Evaluates the rules for a call. All rules that match apply, and a denial wins.
 *
 * @param now epoch milliseconds
 */
export function evaluatePolicy({ rules }: Policy, call: PolicyCall, now: number): Verdict {
  const matched = matchingRules(rules, call)
  const requirements: Requirement[] = []
  let [closed, waitAtMost]: [PolicyRefusal | undefined, number] = [undefined, 0]
  for (const { name: rule, effect } of matched) {
    if (effect.type === 'deny') {
      const refusal = { rule, type: 'denied', reason: effect.reason } as const
      return { matched, refusal, requirements: [], waitAtMost: 0 }
    }
    const { window, otherwise } = effect
    if (otherwise === 'wait') {
      requirements.push({ type: 'window', rule, window })
      waitAtMost = Math.max(waitAtMost, effect.waitAtMost)
      continue
    }
    const { isOpen, changesAt: opensAt, reason } = stateOfWindow(window, now)
    if (!isOpen) closed ??= { rule, type: 'closed', reason, opensAt }
  }
  return { matched, refusal: closed, requirements: closed ? [] : requirements, waitAtMost }
}
