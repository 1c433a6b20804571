import { aggregate } from './aggregate.ts'
import { type Criterion, limitOf, meetsLimit } from './criteria.ts'
import { type Evaluation, type IndicatorResult, type IndicatorTarget, type Result, worstResult } from './evaluation.ts'
import { isComparable, type PreviousEvaluation } from './previous-evaluations.ts'
import type { Comparison, Objective, SloFile } from './slo-file.ts'

/** The value of one indicator, from the platform. */
export interface MeasuredIndicator {
  /** The name in the query. */
  name: string
  /** Undefined if there is no data. */
  value: number | undefined
  /** Why there is no data, or the platform's remark. */
  message?: string | undefined
  /** Why the value is based on incomplete data. */
  incomplete?: string | undefined
  /** The platform's own verdict, if the indicator is one of its SLOs. */
  verdict?: { status: Result; pass?: Criterion | undefined; warning?: Criterion | undefined } | undefined
  /** Remaining, in percent. */
  errorBudget?: number | undefined
  /** The indicator's page at the platform. */
  url?: string | undefined
}

export type Score = Pick<Evaluation, 'result' | 'score' | 'indicatorResults'>

/** The result of an objective with missing or incomplete data. It never passes. */
export type NoData = 'errored' | 'warning'

/** Returns whether data is missing or incomplete. */
export function isGap({ value, incomplete }: Pick<MeasuredIndicator, 'value' | 'incomplete'>): boolean {
  return value === undefined || incomplete !== undefined
}

/**
 * Scores an SLO file as Keptn does. An objective that passes scores its weight, a warning half of it. An objective without
 * criteria does not count. If a key SLI fails, the evaluation fails.
 *
 * @param previous the evaluations to compare with, newest first
 * @see https://github.com/keptn/keptn/blob/master/lighthouse-service/event_handler/evaluate_sli_handler.go
 */
export function scoreByFile(
  file: SloFile,
  measured: readonly MeasuredIndicator[],
  previous: readonly PreviousEvaluation[],
  noData: NoData,
): Score {
  const { comparison } = file
  const indicatorResults = file.objectives.map((objective) => {
    const found = measured.find(({ name }) => name === objective.sli)
    return judge(objective, found, { previous: previousValue(objective.sli, previous, comparison), noData })
  })
  const maxScore = sum(file.objectives.map(({ pass, weight }) => (pass.length > 0 ? weight : 0)))
  if (maxScore === 0) return { result: 'pass', score: 100, indicatorResults }
  const score = percent(sum(indicatorResults.map(({ score }) => score)), maxScore)
  const { pass, warning = Number.POSITIVE_INFINITY } = file.total_score
  const hasFailedKey = indicatorResults.some(({ keySli, status }) => keySli && status === 'fail')
  const reached = hasFailedKey ? 'fail' : score >= pass ? 'pass' : score >= warning ? 'warning' : 'fail'
  const hasGap = file.objectives.some(({ sli, pass }) => {
    const found = measured.find(({ name }) => name === sli)
    return pass.length > 0 && (!found || isGap(found))
  })
  return { result: hasGap ? worstResult([reached, 'warning']) : reached, score, indicatorResults }
}

/** Scores objectives that must all pass. The worst result counts. */
export function scoreEach(
  objectives: readonly Objective[],
  measured: readonly MeasuredIndicator[],
  noData: NoData,
): Score {
  return scored(
    objectives.map((objective) => {
      const found = measured.find(({ name }) => name === objective.sli)
      return judge(objective, found, { previous: undefined, noData })
    }),
  )
}

/** Scores by the platform's own verdicts. The worst result counts. */
export function scoreByPlatform(measured: readonly MeasuredIndicator[], noData: NoData): Score {
  return scored(
    measured.map((indicator) => {
      const { status: verdict = 'fail', pass, warning } = indicator.verdict ?? {}
      const status = despiteGap(verdict, indicator, noData)
      const target = (criterion: Criterion | undefined) =>
        criterion ? [targetOf(criterion, indicator.value, undefined)] : []
      return {
        displayName: indicator.name,
        status,
        score: pointsOf(status, 1),
        keySli: false,
        value: measuredValue(indicator.name, indicator),
        passTargets: target(pass),
        warningTargets: target(warning),
        ...budgetOf(indicator),
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
  { previous, noData }: { previous: number | undefined; noData: NoData },
): IndicatorResult {
  const targets = (sets: Objective['pass']) =>
    sets.map(({ criteria }) => criteria.map((criterion) => targetOf(criterion, measured.value, previous)))
  const [passTargets, warningTargets] = [targets(pass), targets(warning)]
  // One set with all criteria met is enough.
  const met = (sets: IndicatorTarget[][]) => sets.some((set) => set.every(({ violated }) => !violated))
  const reached = met(passTargets) ? 'pass' : met(warningTargets) ? 'warning' : 'fail'
  const status = pass.length === 0 ? 'info' : despiteGap(reached, measured, noData)
  return {
    displayName,
    status,
    score: status === 'info' ? 0 : pointsOf(status, weight),
    keySli,
    value: { ...measuredValue(sli, measured), ...(previous === undefined ? {} : { comparedValue: previous }) },
    passTargets: passTargets.flat(),
    warningTargets: warningTargets.flat(),
    ...budgetOf(measured),
  }
}

/** Returns the status with respect to missing data: incomplete data never passes. */
function despiteGap(status: Result, measured: MeasuredIndicator, noData: NoData): Result {
  if (!isGap(measured) || noData === 'errored') return status
  return measured.value === undefined ? 'warning' : worstResult([status, 'warning'])
}

/** A missing value violates every criterion. A relative criterion without a previous value is met. */
function targetOf(criterion: Criterion, value: number | undefined, previous: number | undefined): IndicatorTarget {
  const limit = limitOf(criterion, previous)
  const violated = value === undefined || (limit !== undefined && !meetsLimit(value, criterion.operator, limit))
  return { criteria: criterion.text, targetValue: limit ?? 0, violated }
}

function previousValue(
  sli: string,
  evaluations: readonly PreviousEvaluation[],
  comparison: Comparison,
): number | undefined {
  const values = evaluations.flatMap(({ measured }) =>
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

/** Rounds, so that the full score is exactly 100. */
function percent(part: number, total: number): number {
  return Number(((100 * part) / total).toFixed(9))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
