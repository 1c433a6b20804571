import type { PolicyEffect } from '../../../shared/core/webhook/restrict.ts'
import { describeRule } from '../../../shared/policy/describe.ts'
import { policyDigest } from '../../../shared/policy/digest.ts'
import { describeWindowState } from '../../../shared/policy/kinds/window.ts'
import type { Policy, Rule } from '../../../shared/policy/policy.ts'
import { stateOfWindow } from '../../../shared/policy/window.ts'
import type { CallStore } from './call-store.ts'
import type { CallSummary } from './call-summary.ts'
import type { LoggedDecision, PolicyDecisions } from './policy-decisions.ts'
import type { TurnLane } from './turn-lanes.ts'

/** The rules, what they have decided, and what waits because of them. Times are milliseconds since 1970. */
export interface PolicyView {
  /** Undefined if there is no policy, or if it cannot be shown. */
  policy: { enforce: boolean; digest: string; rules: RuleView[] } | undefined
  /** Why the rules cannot be shown. */
  problem: string | undefined
  /** A file to start with, if there is no policy. */
  example: string | undefined
  /** The calls that wait for the policy or for people, oldest first. */
  waiting: WaitingView[]
  /** Newest first. */
  decisions: DecisionView[]
  /** The time of the oldest decision that could be shown. */
  since: number
  /** The targets of rules with turns. Undefined for a deployed stack, whose table would have to be scanned. */
  lanes?: TurnLane[] | undefined
  /** The progress of reading a deployed stack, or the reason of a failure. */
  notice?: string
}

interface RuleView {
  name: string
  /** The rule in a sentence. */
  text: string
  /** Whether its window is open now. Undefined for a rule without a window. */
  isOpen: boolean | undefined
  /** `Closed until Monday, 2026-12-07 08:00 Europe/Vienna`. Empty for a rule without a window. */
  state: string
  /** How many calls it matched, and how many of them it refused, or would have refused. */
  matched: number
  refused: number
  lastAt: number | undefined
}

interface WaitingView {
  /** The id of the call. */
  call: string
  at: number
  /** `ci-cd/trigger-deployment shop/production/checkout` */
  name: string
  /** The reason of the wait, and the people who can end it. */
  detail: string
  /** When the wait ends by itself. */
  until: number | undefined
}

interface DecisionView {
  /** Empty if it is unknown. */
  call: string
  at: number
  name: string
  /** With whose credentials, and for whom. */
  origin: string
  /** The rule that decided, or all that the call matches. */
  detail: string
  /** The effect on the call, for people. */
  effect: string
  isRefused: boolean
}

/** The policy of a runtime or a stack, or why it is unknown. */
export interface KnownPolicy {
  policy?: Policy | undefined
  problem?: string
}

/** The effect of a decision, and the one that it would have if the policy were enforced. */
const EFFECTS: Record<PolicyEffect, [did: string, would: string]> = {
  denied: ['Refused', 'would be refused'],
  closed: ['Refused: closed', 'would be refused now'],
  requester: ['Refused: requester unknown', 'would be refused: requester unknown'],
  unasked: ['Refused: no section approval', 'would be refused: no section approval'],
  incomplete: ['Refused: incomplete target', 'would be refused: incomplete target'],
  delegated: ['Refused: end of the job unknown', 'would be refused: end of the job unknown'],
  silent: ['Refused: silent, cannot wait', 'would be refused: silent, cannot wait'],
  tooLong: ['Refused: deadline too long', 'would be refused: deadline too long'],
  wait: ['Accepted, may wait', 'could wait'],
  allowed: ['Allowed', 'would be allowed'],
}
const TEXTS = new Map<string, [did: string, would: string]>(Object.entries(EFFECTS))

/** Like the first example of docs/policy.md. */
export const EXAMPLE = `timeZone: Europe/Vienna
enforce: false # at first, only log what the rules would do
rules:
  - name: deployments by day
    when: { actions: [ci-cd/trigger-deployment], connections: [prod-*] }
    only: { days: mon-fri, from: "08:00", to: "17:00" }
    otherwise: wait`

const MAX_SHOWN = 50
const MAX_RUNNING = 1_000

/** Computes the page of the policy. */
export function policyView(
  { policy, problem }: KnownPolicy,
  store: CallStore,
  decisions: PolicyDecisions,
  now: number,
): PolicyView {
  const all = decisions.list()
  return {
    policy: policy && {
      enforce: policy.enforce,
      digest: policyDigest(policy),
      rules: policy.rules.map((rule) => viewOf(rule, all, now)),
    },
    problem,
    example: policy || problem !== undefined ? undefined : EXAMPLE,
    waiting: store
      .list({ fields: { verdict: ['running', 'waiting'] } }, 0, MAX_RUNNING)
      .filter(({ policyWait, verdict }) => policyWait !== undefined || verdict === 'waiting')
      .slice(-MAX_SHOWN)
      .reverse()
      .map(waitingOf),
    decisions: all.slice(0, MAX_SHOWN).map(decisionOf),
    since: decisions.since,
  }
}

function viewOf(rule: Rule, decisions: readonly LoggedDecision[], now: number): RuleView {
  const { name, effect } = rule
  const own = decisions.filter(({ rules }) => rules.includes(name))
  return {
    name,
    text: describeRule(rule),
    ...stateOf(effect, now),
    matched: own.length,
    refused: own.filter((decision) => decision.rule === name).length,
    lastAt: own[0]?.at,
  }
}

function stateOf(effect: Rule['effect'], now: number): Pick<RuleView, 'isOpen' | 'state'> {
  if (effect.type !== 'window') return { isOpen: undefined, state: '' }
  const state = stateOfWindow(effect.window, now)
  return { isOpen: state.isOpen, state: describeWindowState(state, effect.window) }
}

function waitingOf(call: CallSummary): WaitingView {
  const { id, at, category, action, place, policyWait, deadlineAt } = call
  const name = `${category}/${action} ${place}`.trim()
  return { call: id, at, name, detail: reasonOf(call), until: policyWait?.until ?? deadlineAt }
}

/** A window opens by itself. */
function reasonOf({ text, approval, policyWait }: CallSummary): string {
  if (policyWait)
    return policyWait.requirements
      .filter(({ isMet }) => !isMet)
      .map(({ rule, text }) => `${rule}: ${text}`)
      .join('; ')
  if (!approval) return text
  const { approvers, channel } = approval
  const people = approvers?.join(', ') ?? 'everybody who gets the message'
  return `${text} Asked: ${people}${channel === undefined ? '' : ` in ${channel}`}`
}

function decisionOf(decision: LoggedDecision): DecisionView {
  const { call, at, category, action, connection, caller, rules, rule, effect, enforced } = decision
  const [did, would] = TEXTS.get(effect) ?? [effect, effect]
  return {
    call,
    at,
    name: [category, action].filter(Boolean).join('/') || 'A call',
    origin: [connection && `with ${connection}`, caller && `from ${caller}`].filter(Boolean).join(' '),
    detail: rule || rules.join(', '),
    effect: enforced ? did : `Logged: ${would}`,
    isRefused: enforced && effect !== 'wait' && effect !== 'allowed',
  }
}
