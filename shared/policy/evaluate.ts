import { matchingRules } from './match.ts'
import type { ApprovalRule, Ask, Policy, PolicyCall, Requirement, Rule } from './policy.ts'
import { type TurnRequirement, turnOf } from './turn-rule.ts'
import { stateOfWindow } from './window.ts'

/** The result of the rules, and of the caller's entry, for a call at some time. */
export interface Verdict {
  /** The rules that the call matches. */
  matched: Rule[]
  refusal: PolicyRefusal | undefined
  /** Must be met before the action starts: approvals, windows, then turns. Empty if the call is refused. */
  requirements: Requirement[]
  /** How long its task may wait for them, in seconds. */
  waitAtMost: number
}

/** Why a call is refused. */
export type PolicyRefusal = {
  /** Undefined if the entry of the caller refuses it. */
  rule: string | undefined
  reason?: string | undefined
} & (
  | {
      type: 'closed'
      rule: string
      /** When the window opens, in epoch milliseconds. */
      opensAt: number
    }
  | {
      /**
       * `incomplete`: the call lacks a part of the target for which it would wait. `requester`: the requester may not approve, and is not
       * known. `unasked`: nothing says how to ask people.
       */
      type: 'denied' | 'incomplete' | 'requester' | 'unasked'
    }
)

/**
 * Evaluates the rules for a call. All rules that match apply, and a denial wins.
 *
 * @param now epoch milliseconds
 */
export function evaluateRules({ rules }: Pick<Policy, 'rules'>, call: PolicyCall, now: number): Verdict {
  const matched = matchingRules(rules, call)
  const approvals: Requirement[] = []
  const windows: Requirement[] = []
  const turns: TurnRequirement[] = []
  let [refusal, waitAtMost]: [PolicyRefusal | undefined, number] = [undefined, 0]
  for (const { name: rule, effect } of matched) {
    if (effect.type === 'deny')
      return { matched, refusal: { rule, type: 'denied', reason: effect.reason }, requirements: [], waitAtMost: 0 }
    if (effect.type === 'turn') {
      const turn = turnOf(rule, effect, call)
      if ('missing' in turn) refusal ??= { rule, type: 'incomplete', reason: turn.missing.join(' and ') }
      else turns.push(turn)
      waitAtMost = Math.max(waitAtMost, effect.waitAtMost)
      continue
    }
    const approval = approvalOf(effect)
    if (approval && !isRequesterKnown(approval, call)) refusal ??= { rule, type: 'requester' }
    const ask = approval && askOf(approval, call)
    if (effect.type === 'approval') approvals.push({ type: 'approval', rule, ask: askOf(effect, call) })
    else if (effect.otherwise !== 'refuse') windows.push({ type: 'window', rule, window: effect.window, ask })
    else {
      const { isOpen, changesAt, reason } = stateOfWindow(effect.window, now)
      if (!isOpen) refusal ??= { rule, type: 'closed', reason, opensAt: changesAt }
      continue
    }
    waitAtMost = Math.max(waitAtMost, effect.waitAtMost)
  }
  // Two calls that need the same turns take them in the same order. Otherwise, each could wait for the other.
  turns.sort((a, b) => (a.key < b.key ? -1 : 1))
  return { matched, refusal, requirements: refusal ? [] : [...approvals, ...windows, ...turns], waitAtMost }
}

/**
 * Evaluates the caller's entry, which holds without any rule. An approval that a rule requires is enough.
 *
 * @param verdict of the rules
 * @param approval how people are asked
 */
export function evaluateCaller(verdict: Verdict, call: PolicyCall, approval: ApprovalRule | undefined): Verdict {
  const { writes } = call.caller
  if (verdict.refusal || writes === 'allow' || call.isFree) return verdict
  const refuse = (type: 'denied' | 'unasked' | 'requester'): Verdict => ({
    ...verdict,
    refusal: { rule: undefined, type },
    requirements: [],
  })
  if (writes === 'deny') return refuse('denied')
  if (verdict.requirements.some(({ type }) => type === 'approval')) return verdict
  if (!approval) return refuse('unasked')
  if (!isRequesterKnown(approval, call)) return refuse('requester')
  const waitAtMost = Math.max(verdict.waitAtMost, approval.waitAtMost)
  return {
    ...verdict,
    requirements: [{ type: 'approval', ask: askOf(approval, call) }, ...verdict.requirements],
    waitAtMost,
  }
}

function approvalOf(effect: Exclude<Rule['effect'], { type: 'deny' | 'turn' }>): ApprovalRule | undefined {
  if (effect.type === 'approval') return effect
  return typeof effect.otherwise === 'string' ? undefined : effect.otherwise
}

function isRequesterKnown({ notRequester }: ApprovalRule, { caller }: PolicyCall): boolean {
  return !notRequester || caller.owners.length > 0
}

function askOf({ connection, channel, count, by, notRequester, changed }: ApprovalRule, { caller }: PolicyCall): Ask {
  return {
    connection,
    channel,
    count,
    by,
    excluded: notRequester ? [...caller.owners] : undefined,
    mayChange: changed === 'run' ? true : undefined,
  }
}
