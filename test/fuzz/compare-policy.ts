import { isDeepStrictEqual } from 'node:util'
import type { PolicyCall } from '../../shared/policy/call.ts'
import { evaluateCaller, evaluatePolicy, type PolicyDecision } from '../../shared/policy/evaluate.ts'
import { type Requirement, refuseSilent } from '../../shared/policy/kinds/index.ts'
import type { WindowRequirement } from '../../shared/policy/kinds/window.ts'
import { mayStart } from '../../shared/policy/may-start.ts'
import type { Policy } from '../../shared/policy/policy.ts'
import { stateOfWindow } from '../../shared/policy/window.ts'
import type { Random } from '../prove/random.ts'
import { decide, decideStart, type ModelCall, type ModelDecision, type ModelFile, mustWait } from './policy-model.ts'
import { callOf, stopOf } from './policy-values.ts'

/** The numbers of start decisions by their result. */
export type StartCounts = Record<'allowed' | 'closed' | 'stopped' | 'refused', number>

const CALLS = 5
const DAY_MS = 86_400_000

/**
 * Compares the evaluator with the model: when a call arrives, and when its action is about to start, with random stops.
 *
 * @param file from which the policy was compiled
 * @param timeIn returns a random time, in epoch milliseconds
 * @param starts counts the decisions
 */
export function compareWithModel(
  random: Random,
  file: unknown,
  policy: Policy,
  timeIn: (random: Random) => number,
  starts: StartCounts,
  found: (what: string) => void,
): void {
  // As a file has it: a random list may have more properties.
  const model = asJson(file ?? {}) as ModelFile
  for (let n = 0; n < CALLS; n++) {
    const call = callOf(random)
    const at = timeIn(random)
    const decision = evaluateCaller(evaluatePolicy(policy, call, at), call, policy.approval)
    const expected = decide(model, modelOf(call), at)
    const decided = plainOf(decision)
    if (!isDeepStrictEqual(decided, asJson(inOrder(expected)))) {
      found(
        `the evaluator decides ${JSON.stringify(decided)}, and the model ${JSON.stringify(expected)}: ${JSON.stringify({ call, at: new Date(at) })}`,
      )
      continue
    }
    if (decision.refusal) continue
    const isRefused = decision.requirements.some((requirement) => refuseSilent(requirement, at))
    if (isRefused !== mustWait(model, expected, at))
      found(
        `a silent call is ${isRefused ? '' : 'not '}refused, unlike by the model: ${JSON.stringify({ call, at: new Date(at) })}`,
      )
    compareStart(random, model, call, decision, at, starts, found)
  }
}

function compareStart(
  random: Random,
  model: ModelFile,
  call: PolicyCall,
  { startRules, requirements }: PolicyDecision,
  acceptedAt: number,
  starts: StartCounts,
  found: (what: string) => void,
): void {
  const windows = requirements.filter((requirement) => requirement.type === 'window')
  // People have let the action start in spite of some.
  const opened = windows.filter(({ ask }) => ask && random.chance(0.5)).map(({ rule }) => rule)
  const awaited = windows.filter(({ rule }) => !opened.includes(rule))
  const now = startTimeOf(random, [...startRules, ...awaited], acceptedAt)
  const stops = Array.from({ length: random.integer(0, 2) }, (_, id) => stopOf(random, String(id), now))
  const action = { ...call, actionNames: call.actionNames ?? [call.action], caller: call.caller.name }
  const { type } = mayStart(action, { refusing: startRules, awaited }, stops, now)
  const expected = decideStart(model, modelOf(call), stops, opened, now)
  starts[expected] += 1
  if (type !== expected)
    found(
      `an action is ${type} to start, and by the model ${expected}: ${JSON.stringify({ call, stops, opened, now: new Date(now) })}`,
    )
}

/** Most times are at the edge of a window. */
function startTimeOf(random: Random, windows: readonly WindowRequirement[], acceptedAt: number): number {
  const later = acceptedAt + Math.floor(random.next() * 7 * DAY_MS)
  if (windows.length === 0 || random.chance(0.2)) return later
  const { changesAt = later } = stateOfWindow(random.pick(windows).window, acceptedAt)
  return changesAt - random.integer(0, 1)
}

function modelOf({ action, actionNames = [action], ...call }: PolicyCall): ModelCall {
  return { ...call, actions: actionNames }
}

/** Returns a decision in the form of the model. */
function plainOf({ refusal, requirements, startRules, startLimits, waitAtMost, runAtMost }: PolicyDecision): unknown {
  const decision = {
    ...(refusal && { refused: { because: refusal.type, rule: refusal.rule } }),
    requires: requirements.map((requirement) => ({
      type: requirement.type,
      rule: requirement.rule,
      ask: askOf(requirement),
    })),
    refusesAtStart: [...startRules, ...startLimits].map(({ rule }) => rule),
    waitSeconds: waitAtMost,
    runSeconds: runAtMost,
  }
  return asJson(inOrder(decision))
}

function askOf(requirement: Requirement): ModelDecision['requires'][number]['ask'] {
  if (requirement.type === 'turn' || !requirement.ask) return undefined
  const { connection, channel, count, by, excluded, complete = false, mayChange = false } = requirement.ask
  return { connection, channel, count, by, excluded, isComplete: complete, mayChange }
}

/** Rules have names, and their order has no meaning here. */
function inOrder(decision: ModelDecision): ModelDecision {
  const { requires, refusesAtStart } = decision
  const byName = requires.toSorted((a, b) => ((a.rule ?? '') < (b.rule ?? '') ? -1 : 1))
  return { ...decision, requires: byName, refusesAtStart: refusesAtStart.toSorted() }
}

/** Without fields that are undefined. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
