import { aggregate } from './aggregate.ts'
import { type Criterion, limitOf, meetsLimit } from './criteria.ts'
import { type Evaluation, type IndicatorResult, type Result, type Target, worstResult } from './evaluation.ts'
import { isComparable, type PreviousEvaluation } from './previous-evaluations.ts'
import type { Comparison, Objective, SloFile } from './slo-file.ts'

/** One indicator, as a platform measured it. */
export interface MeasuredIndicator {
  /** As it was asked for. */
  name: string
  /** Undefined where there is no data. */
  value: number | undefined
  /** Why there is none, or what the platform says of it. */
  message?: string | undefined
  /** Why the value is of part of the data only. */
  incomplete?: string | undefined
  /** The platform's own verdict, where what is measured is an SLO of it. */
  verdict?: { status: Result; pass?: Criterion | undefined; warning?: Criterion | undefined } | undefined
  /** Percent that is left. */
  errorBudget?: number | undefined
  /** Where people see it. */
  url?: string | undefined
}

/** What an evaluation comes to. */
export type Score = Pick<Evaluation, 'result' | 'score' | 'indicatorResults'>

/** What an objective comes to of which there is no data, or not all: it never passes. */
export type NoData = 'errored' | 'warning'

/** Whether something is known of it that makes its verdict doubtful. */
export function isGap({ value, incomplete }: Pick<MeasuredIndicator, 'value' | 'incomplete'>): boolean {
  return value === undefined || incomplete !== undefined
}

/**
 * Holds what was measured against the objectives of an SLO file, as Keptn does: an objective that passes gets its weight,
 * one with a warning half of it, one without criteria does not count, and a key SLI that fails is the end of it.
 *
 * @param earlier the evaluations to compare with, the newest first
 * @see https://github.com/keptn/keptn/blob/master/lighthouse-service/event_handler/evaluate_sli_handler.go
 */
export function scoreByFile(
  file: SloFile,
  measured: readonly MeasuredIndicator[],
  earlier: readonly PreviousEvaluation[],
  noData: NoData,
): Score {
  const { comparison } = file
  const indicatorResults = file.objectives.map((objective) => {
    const found = measured.find(({ name }) => name === objective.sli)
    return judge(objective, found, { earlier: earlierValue(objective.sli, earlier, comparison), noData })
  })
  const most = sum(file.objectives.map(({ pass, weight }) => (pass.length > 0 ? weight : 0)))
  if (most === 0) return { result: 'pass', score: 100, indicatorResults }
  const score = percent(sum(indicatorResults.map(({ score }) => score)), most)
  const { pass, warning = Number.POSITIVE_INFINITY } = file.total_score
  const keyFailed = indicatorResults.some(({ keySli, status }) => keySli && status === 'fail')
  const reached = keyFailed ? 'fail' : score >= pass ? 'pass' : score >= warning ? 'warning' : 'fail'
  const doubtful = file.objectives.some(({ sli, pass }) => {
    const found = measured.find(({ name }) => name === sli)
    return pass.length > 0 && (!found || isGap(found))
  })
  return { result: doubtful ? worstResult([reached, 'warning']) : reached, score, indicatorResults }
}

/** Holds what was measured against objectives of which none may fail: the worst of them is the result. */
export function scoreEach(
  objectives: readonly Objective[],
  measured: readonly MeasuredIndicator[],
  noData: NoData,
): Score {
  return scored(
    objectives.map((objective) => {
      const found = measured.find(({ name }) => name === objective.sli)
      return judge(objective, found, { earlier: undefined, noData })
    }),
  )
}

/** Takes the verdicts of the platform as they are: the worst of them is the result. */
export function scoreByPlatform(measured: readonly MeasuredIndicator[], noData: NoData): Score {
  return scored(
    measured.map((one) => {
      const { status: verdict = 'fail', pass, warning } = one.verdict ?? {}
      const status = despiteGap(verdict, one, noData)
      const target = (criterion: Criterion | undefined) =>
        criterion ? [targetOf(criterion, one.value, undefined)] : []
      return {
        displayName: one.name,
        status,
        score: pointsOf(status, 1),
        keySli: false,
        value: measuredValue(one.name, one),
        passTargets: target(pass),
        warningTargets: target(warning),
        ...budgetOf(one),
      }
    }),
  )
}

function scored(indicatorResults: IndicatorResult[]): Score {
  const score =
    indicatorResults.length > 0 ? percent(sum(indicatorResults.map(({ score }) => score)), indicatorResults.length) : 0
  return {
    result: worstResult(indicatorResults.map(({ status }) => (status === 'info' ? 'pass' : status))),
    score,
    indicatorResults,
  }
}

function judge(
  { sli, displayName = sli, key_sli: keySli, weight, pass, warning }: Objective,
  measured: MeasuredIndicator = { name: sli, value: undefined, message: 'it was not measured' },
  { earlier: before, noData }: { earlier: number | undefined; noData: NoData },
): IndicatorResult {
  const targets = (sets: Objective['pass']) =>
    sets.map(({ criteria }) => criteria.map((criterion) => targetOf(criterion, measured.value, before)))
  const [passTargets, warningTargets] = [targets(pass), targets(warning)]
  // One set whose criteria all hold is enough.
  const met = (sets: Target[][]) => sets.some((set) => set.every(({ violated }) => !violated))
  const reached = met(passTargets) ? 'pass' : met(warningTargets) ? 'warning' : 'fail'
  const status = pass.length === 0 ? 'info' : despiteGap(reached, measured, noData)
  return {
    displayName,
    status,
    score: status === 'info' ? 0 : pointsOf(status, weight),
    keySli,
    value: { ...measuredValue(sli, measured), ...(before === undefined ? {} : { comparedValue: before }) },
    passTargets: passTargets.flat(),
    warningTargets: warningTargets.flat(),
    ...budgetOf(measured),
  }
}

/** What was measured of part of the data only does not pass, and what was not measured at all is no verdict. */
function despiteGap(status: Result, measured: MeasuredIndicator, noData: NoData): Result {
  if (!isGap(measured) || noData === 'errored') return status
  return measured.value === undefined ? 'warning' : worstResult([status, 'warning'])
}

/** What is not measured can hold nothing; what there is nothing to compare with holds. */
function targetOf(criterion: Criterion, value: number | undefined, earlier: number | undefined): Target {
  const limit = limitOf(criterion, earlier)
  const violated = value === undefined || (limit !== undefined && !meetsLimit(value, criterion.operator, limit))
  return { criteria: criterion.text, targetValue: limit ?? 0, violated }
}

function earlierValue(sli: string, earlier: readonly PreviousEvaluation[], comparison: Comparison): number | undefined {
  const values = earlier.flatMap(({ measured }) =>
    measured
      .filter(({ metric, status }) => metric === sli && isComparable(status, comparison))
      .map(({ value }) => value),
  )
  return values.length > 0 ? aggregate(values, comparison.aggregate_function) : undefined
}

function measuredValue(metric: string, { value, message, incomplete }: MeasuredIndicator): IndicatorResult['value'] {
  if (value === undefined) return { metric, value: 0, success: false, message: message ?? 'there is no data' }
  const remark = incomplete ?? message
  return { metric, value, success: true, ...(remark ? { message: remark } : {}) }
}

function budgetOf({ errorBudget }: MeasuredIndicator): Pick<IndicatorResult, 'errorBudget'> {
  return errorBudget === undefined ? {} : { errorBudget }
}

function pointsOf(status: Result, weight: number): number {
  return { pass: weight, warning: weight / 2, fail: 0 }[status]
}

/** All of it is 100, also where floating point would make it a little less. */
function percent(part: number, whole: number): number {
  return Number(((100 * part) / whole).toFixed(9))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
