import { isDeepStrictEqual } from 'node:util'
import { Failure, messageOf } from '../../shared/errors.ts'
import type { PolicyCall } from '../../shared/policy/call.ts'
import { evaluateCaller, evaluatePolicy, type PolicyDecision } from '../../shared/policy/evaluate.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import type { Policy } from '../../shared/policy/policy.ts'
import { localTimeAt } from '../../shared/policy/time-zone.ts'
import { stateOfWindow, WEEKDAYS, type Window } from '../../shared/policy/window.ts'
import { type Random, randomOf } from '../prove/random.ts'
import { compareWithModel, type StartCounts } from './compare-policy.ts'
import { callOf, fileOf, freezeOf, GROUPS, openingOf, ruleOf, ZONES } from './policy-values.ts'

/** The numbers of cases by kind, so that a test sees that there are enough of each. */
export interface PolicyFuzzReport {
  cases: number
  invalidFiles: number
  refused: number
  waiting: number
  allowed: number
  /** Compared with the model. */
  starts: StartCounts
  findings: { what: string; case: number }[]
}

const YEAR = { start: Date.UTC(2026, 0, 1), minutes: 365 * 24 * 60 }
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The time of one evaluation. Allows for other load on the machine. */
const MAX_MS = 1_000

/**
 * Compiles random policies, evaluates them for random calls, callers and times, and compares the results with those of a second evaluator.
 *
 * @param seed determines each case
 * @param only this case
 */
export function fuzzPolicy(seed: number, cases: number, only?: number): PolicyFuzzReport {
  const counts = { cases: 0, invalidFiles: 0, refused: 0, waiting: 0, allowed: 0 }
  const starts = { allowed: 0, closed: 0, stopped: 0, refused: 0 }
  const report: PolicyFuzzReport = { ...counts, starts, findings: [] }
  for (let number = only ?? 0; number < (only === undefined ? cases : only + 1); number++) {
    const found = (what: string) => void report.findings.push({ what, case: number })
    const random = randomOf(seed, `policy ${number}`)
    report.cases += 1
    try {
      checkWindow(random, found)
      const file = fileOf(random)
      const policy = compiled(file, found)
      const added = compiled({ timeZone: 'UTC', groups: GROUPS, rules: [ruleOf(random, 'added')] }, found)
      if (policy) {
        checkCalls(random, policy, added, report, found)
        compareWithModel(randomOf(seed, `model ${number}`), file, policy, timeIn2026, starts, found)
      } else report.invalidFiles += 1
    } catch (error) {
      found(`${(error as Error).name}: ${messageOf(error)}`)
    }
  }
  return report
}

type Found = (what: string) => void

/** @returns undefined if the file is not valid */
function compiled(file: unknown, found: Found): Policy | undefined {
  try {
    const policy = compilePolicy(file)
    // The functions read it as JSON.
    return JSON.parse(JSON.stringify(policy))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { kind, errors = [] } = error
    if (kind !== 'invalid' || errors.length === 0) found(`a failure without a path: ${error.message}`)
    return undefined
  }
}

function checkCalls(
  random: Random,
  policy: Policy,
  added: Policy | undefined,
  report: PolicyFuzzReport,
  found: Found,
): void {
  const at = random.integer(0, policy.rules.length)
  const more = { ...policy, rules: policy.rules.toSpliced(at, 0, ...(added?.rules ?? [])) }
  for (let n = 0; n < 5; n++) {
    const call = callOf(random)
    const now = timeIn2026(random)
    const start = performance.now()
    const before = evaluatePolicy(policy, call, now)
    const ms = performance.now() - start
    if (ms > MAX_MS) found(`an evaluation takes ${Math.round(ms)} ms: ${JSON.stringify(call)}`)
    checkDenial(before, found)
    checkRestricts(before, evaluatePolicy(more, call, now), found)
    const verdict = evaluateCaller(before, call, policy.approval)
    checkCaller(before, verdict, call, found)
    if (verdict.refusal) report.refused += 1
    else if (verdict.requirements.length > 0) report.waiting += 1
    else report.allowed += 1
  }
}

function checkDenial({ matched, refusal, requirements }: PolicyDecision, found: Found): void {
  const denies = matched.some(({ effect }) => effect.type === 'deny')
  if (denies !== (refusal?.type === 'denied')) found(`a rule that denies, and the refusal is ${refusal?.type}`)
  if (refusal && requirements.length > 0) found('a refusal with requirements')
}

/** One rule more never allows what was refused, and never removes a requirement. */
function checkRestricts(before: PolicyDecision, after: PolicyDecision, found: Found): void {
  if (before.refusal && !after.refusal) found(`another rule allows what was ${before.refusal.type}`)
  if (after.refusal) return
  const hasAll = before.requirements.every((one) => after.requirements.some((other) => isDeepStrictEqual(one, other)))
  if (!hasAll) found('another rule removes a requirement')
  if (after.waitAtMost < before.waitAtMost) found('another rule shortens the wait')
}

/** The entry of a caller restricts in addition to the rules. Nothing keeps it from stopping something. */
function checkCaller(ofRules: PolicyDecision, verdict: PolicyDecision, call: PolicyCall, found: Found): void {
  const { writes, owners } = call.caller
  if (call.isStop || writes === 'allow') {
    if (verdict !== ofRules) found(`the entry restricts a call of a caller with ${writes}`)
    return
  }
  const approvals = verdict.requirements.filter(({ type }) => type === 'approval')
  if (ofRules.refusal && !verdict.refusal) found('the entry of the caller allows what the rules refuse')
  if (writes === 'deny' && !verdict.refusal) found('a caller may write that may not')
  if (writes === 'approve' && !verdict.refusal && approvals.length === 0) found('a caller needs no approval')
  if (!verdict.refusal) checkRestricts(ofRules, verdict, found)
  for (const requirement of verdict.requirements) {
    const ask = 'ask' in requirement ? requirement.ask : undefined
    if (ask?.excluded && !isDeepStrictEqual(ask.excluded, owners)) found('an owner of the caller may decide')
  }
}

/** A window is as the clocks on the wall say, changes exactly when it says so, and does not depend on when it was asked. */
function checkWindow(random: Random, found: Found): void {
  const timeZone = random.pick(ZONES)
  const rule = random.chance(0.5) ? { only: openingOf(random) } : { freeze: [freezeOf(random), freezeOf(random)] }
  const [compiled] = compilePolicy({ timeZone, rules: [{ name: 'window', ...rule }] }).rules
  if (compiled?.effect.type !== 'window') throw new Error('The rule has no window.')
  const { window } = compiled.effect
  const stateAt = (at: number) => stateOfWindow(structuredClone(window), at)
  const now = timeIn2026(random)
  const { isOpen, changesAt } = stateAt(now)
  const until = changesAt ?? now + 8 * DAY_MS
  const about = (at: number) => `${JSON.stringify(window)} at ${new Date(at).toISOString()}`
  if (until <= now) found(`a window changes in the past: ${about(now)}`)
  // The same object remembers its last state.
  stateOfWindow(window, now)
  for (const at of [now, now + Math.floor(random.next() * (until - now)), until - 1, until, timeIn2026(random)]) {
    const state = stateAt(at)
    if (!isDeepStrictEqual(stateOfWindow(window, at), state)) found(`a window has two states: ${about(at)}`)
    if (!changesClocks(at, timeZone) && state.isOpen !== isOpenByClock(window, at))
      found(`a window is ${state.isOpen ? 'open' : 'closed'}, unlike its clock: ${about(at)}`)
    if (at >= now && at < until && !isDeepStrictEqual(state, stateAt(now)))
      found(`a window changes early: ${about(at)}`)
  }
  if (changesAt !== undefined && stateAt(changesAt).isOpen === isOpen) found(`a window does not change: ${about(now)}`)
}

/** Local times are not unique around a change. */
function changesClocks(now: number, timeZone: string): boolean {
  const offset = (at: number) => at - utcOf(at, timeZone)
  return [-2 * DAY_MS, -DAY_MS, DAY_MS, 2 * DAY_MS].some((by) => offset(now + by) !== offset(now))
}

function utcOf(at: number, timeZone: string): number {
  const { year, month, day, hour, minute } = localTimeAt(at, timeZone)
  return Date.UTC(year, month - 1, day, hour, minute)
}

/** Compares the texts of the local time, which needs no instants. */
function isOpenByClock({ timeZone, opening, freezes = [] }: Window, now: number): boolean {
  const local = utcOf(now, timeZone)
  if (!opening) {
    const text = new Date(local).toISOString().slice(0, 16)
    return !freezes.some(({ from, to }) => text >= from && text < (to.includes('T') ? to : `${to}T24:00`))
  }
  const { days, from, to } = opening
  const minute = Math.floor((local % DAY_MS) / MINUTE_MS)
  const isDay = (by: number) => days.includes(WEEKDAYS[(new Date(local + by * DAY_MS).getUTCDay() + 6) % 7] ?? 'mon')
  if (to > from) return isDay(0) && minute >= from && minute < to
  return (isDay(0) && minute >= from) || (isDay(-1) && minute < to)
}

/** Each second time is near a change of the clocks. */
function timeIn2026(random: Random): number {
  if (random.chance(0.5)) return YEAR.start + random.integer(0, YEAR.minutes) * MINUTE_MS
  const change = random.pick([
    '2026-03-08T07:00Z',
    '2026-03-29T01:00Z',
    '2026-04-04T15:00Z',
    '2026-10-25T01:00Z',
    '2026-11-01T06:00Z',
  ])
  return Date.parse(change) + random.integer(-180, 180) * MINUTE_MS
}
