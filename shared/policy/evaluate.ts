import { matchingRules } from './match.ts'
import type { Effect, Policy, PolicyCall, Rule } from './policy.ts'
import { stateOfFreezes, stateOfOpening, type WindowState } from './window.ts'

/** A window that must be open when the action starts. JSON, as part of the payload of a task. */
export interface WindowRequirement {
  type: 'window'
  rule: string
  effect: WindowEffect
}

type WindowEffect = Extract<Effect, { type: 'only' | 'freeze' }>

/** What the rules say about a call at some time. */
export interface Verdict {
  /** The rule that refuses the call, and why. */
  refusal?: { rule: string; kind: 'denied' | 'closed'; reason: string; opensAt: number | undefined } | undefined
  /** What must be met before the action starts, in order. */
  requirements: WindowRequirement[]
  /** The rules that the call matches. */
  matched: Rule[]
}

/**
 * Evaluates the rules for a call. All rules that match apply, and a denial wins.
 *
 * @param now epoch milliseconds
 */
export function evaluatePolicy({ rules }: Policy, call: PolicyCall, now: number): Verdict {
  const matched = matchingRules(rules, call)
  const requirements: WindowRequirement[] = []
  let closed: Verdict['refusal']
  for (const { name: rule, effect } of matched) {
    if (effect.type === 'deny')
      return {
        refusal: { rule, kind: 'denied', reason: effect.reason, opensAt: undefined },
        requirements: [],
        matched,
      }
    const state = stateOfWindow(effect, now)
    if (effect.otherwise === 'wait') requirements.push({ type: 'window', rule, effect })
    else if (!state.isOpen)
      closed ??= { rule, kind: 'closed', reason: state.reason ?? 'It is closed now', opensAt: state.changesAt }
  }
  return { refusal: closed, requirements: closed ? [] : requirements, matched }
}

/** Returns whether a window is open at some time. */
export function stateOfWindow(effect: WindowEffect, now: number): WindowState {
  return effect.type === 'only'
    ? stateOfOpening(effect.opening, effect.timeZone, now)
    : stateOfFreezes(effect.freezes, effect.timeZone, now)
}
