import { toSentence } from '../../errors.ts'
import type { Evaluation, IndicatorResult } from '../../evaluation/evaluation.ts'
import type { MeasuredIndicator } from '../../evaluation/score.ts'
import { type EvaluatedTime, formatUtc } from '../../evaluation/timeframe.ts'
import type { Outcome } from '../../outcome.ts'
import { slug } from '../../text/slug.ts'
import type { EvaluationProvider } from './provider.ts'
import { dueAt, type EvaluationRequest } from './request.ts'

const VERBS = { pass: 'passed', warning: 'ended with a warning', fail: 'failed' }
/** More would not fit into one line. The results have all of them. */
const MAX_NAMED = 5

/**
 * Returns the outcome of an evaluation.
 *
 * @param gaps indicators with missing data that make the verdict impossible
 */
export function evaluationOutcome(
  provider: EvaluationProvider,
  evaluation: Evaluation,
  gaps: readonly MeasuredIndicator[],
): Outcome {
  const { result, score, indicatorResults, url } = evaluation
  const rounded = Number(score.toFixed(2))
  // Later tasks read the text, because Keptn's merge replaces text but not numbers.
  const data = { ...evaluation, score: rounded, scoreText: String(rounded) }
  const links = url === undefined ? {} : { [`${slug(provider.title)} slo`]: url }
  if (gaps.length > 0) {
    const why = gaps.map(({ name, message, incomplete }) => `${name} (${incomplete ?? message ?? 'there is no data'})`)
    const message = `Not evaluated: ${provider.title} has no data, or incomplete data, for ${some(why)}`
    return { status: 'errored', result: 'fail', message, data: { ...data, result: 'fail' }, links }
  }
  const missed = indicatorResults.filter(({ status }) => status === 'fail' || status === 'warning').map(describe)
  const message = `The evaluation ${VERBS[result]} with a score of ${data.score}${missed.length > 0 ? `: ${some(missed)}` : ''}`
  return { status: 'succeeded', result, message, data, links }
}

/** `p95 is 612, not <=500`. */
function describe({ displayName, value, passTargets }: IndicatorResult): string {
  if (!value.success) return `${displayName} was not measured (${value.message})`
  const violated = passTargets.filter((target) => target.violated).map(({ criteria }) => criteria)
  const is = `${displayName} is ${Number(value.value.toPrecision(6))}`
  const remark = value.message ? ` (${value.message})` : ''
  return violated.length > 0 ? `${is}, not ${[...new Set(violated)].join(' or ')}${remark}` : `${is}${remark}`
}

function some(texts: readonly string[]): string {
  const more = texts.length - MAX_NAMED
  return [...texts.slice(0, MAX_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/**
 * Returns the outcome of a silent call that ends before its evaluation.
 *
 * @param isRunning whether the platform already evaluates, instead of waiting for data
 */
export function notYetEvaluated(
  { title, startMeasurement }: EvaluationProvider,
  request: EvaluationRequest,
  window: EvaluatedTime,
  isRunning = false,
): Outcome {
  const due = dueAt(request, window)
  const why =
    startMeasurement || isRunning
      ? `${title} is still evaluating`
      : `${title} has its data up to ${formatUtc(window.end)} at ${formatUtc(due)}`
  const message = `${toSentence(`Not evaluated: ${why}`)} Use mode=interactive to wait for it, or evaluate an earlier period`
  return {
    status: 'errored',
    result: 'fail',
    message,
    data: { timeStart: formatUtc(window.start), timeEnd: formatUtc(window.end) },
    links: {},
  }
}
