import type { PolicyCall } from './call.ts'
import { type ApprovalRule, applyApproval } from './kinds/approval.ts'
import type { StartLimit } from './kinds/at-most.ts'
import { type Applied, applyEffect, type PolicyRefusal, type Requirement, requirementTypes } from './kinds/index.ts'
import type { WindowRequirement } from './kinds/window.ts'
import { matchingRules } from './match.ts'
import type { Policy, Rule } from './policy.ts'

/** The result of the rules, and of the caller's entry, for a call at some time. */
export interface PolicyDecision {
  /** The rules that the call matches. */
  matched: Rule[]
  refusal: PolicyRefusal | undefined
  /** Must be met before the action starts: approvals, windows, then turns. Empty if the call is refused. */
  requirements: Requirement[]
  /** The windows outside of which the action no longer starts. */
  startRules: WindowRequirement[]
  /** Are counted directly before the start. */
  startLimits: StartLimit[]
  /** How long its task may wait for them, in seconds. */
  waitAtMost: number
  /** How long the action may run, in seconds, if a rule limits that. */
  runAtMost?: number | undefined
}

/**
 * Evaluates the rules for a call. All rules that match apply, and a denial wins.
 *
 * @param now epoch milliseconds
 */
export function evaluatePolicy({ rules }: Pick<Policy, 'rules'>, call: PolicyCall, now: number): PolicyDecision {
  const matched = matchingRules(rules, call)
  const applied = matched.map(({ name, effect }) => applyEffect(name, effect, call, now))
  return { matched, ...together(applied) }
}

/**
 * Evaluates the caller's entry, which holds without any rule. An approval that a rule requires is enough.
 *
 * @param decision of the rules
 * @param approval how people are asked
 */
export function evaluateCaller(
  decision: PolicyDecision,
  call: PolicyCall,
  approval: ApprovalRule | undefined,
): PolicyDecision {
  const { writes } = call.caller
  const { matched, ...ofRules } = decision
  if (ofRules.refusal || writes === 'allow' || call.isStop) return decision
  const refuse = (type: 'denied' | 'unasked') => ({ matched, ...together([{ refusal: { rule: undefined, type } }]) })
  if (writes === 'deny') return refuse('denied')
  if (ofRules.requirements.some(({ type }) => type === 'approval')) return decision
  if (!approval) return refuse('unasked')
  const { requirements, startRules, startLimits, waitAtMost, runAtMost } = ofRules
  const others: Applied[] = [
    ...requirements.map((requirement) => ({ requirement, waitAtMost, runAtMost })),
    ...startRules.map((startRule) => ({ startRule })),
    ...startLimits.map((startLimit) => ({ startLimit })),
  ]
  return { matched, ...together([applyApproval(undefined, approval, call), ...others]) }
}

function together(applied: readonly Applied[]): Omit<PolicyDecision, 'matched'> {
  const refusals = applied.flatMap(({ refusal }) => refusal ?? [])
  const refusal = refusals.find(({ type }) => type === 'denied') ?? refusals[0]
  if (refusal) return { refusal, requirements: [], startRules: [], startLimits: [], waitAtMost: 0 }
  return {
    refusal,
    requirements: applied.flatMap(({ requirement }) => requirement ?? []).toSorted(inOrder),
    startRules: applied.flatMap(({ startRule }) => startRule ?? []),
    startLimits: applied.flatMap(({ startLimit }) => startLimit ?? []),
    waitAtMost: Math.max(0, ...applied.map(({ waitAtMost = 0 }) => waitAtMost)),
    runAtMost: shortest(applied.flatMap(({ runAtMost = [] }) => runAtMost)),
  }
}

function shortest(durations: readonly number[]): number | undefined {
  return durations.length === 0 ? undefined : Math.min(...durations)
}

/** Two calls that need the same turns take them in the same order. Otherwise, each could wait for the other. */
function inOrder(a: Requirement, b: Requirement): number {
  if (a.type === 'turn' && b.type === 'turn') return a.key < b.key ? -1 : 1
  return requirementTypes.indexOf(a.type) - requirementTypes.indexOf(b.type)
}
