import { toSentence } from '../../errors.ts'
import type { Evaluation, IndicatorResult } from '../../evaluation/evaluation.ts'
import type { MeasuredIndicator } from '../../evaluation/score.ts'
import { formatUtc, type Window } from '../../evaluation/timeframe.ts'
import type { Outcome } from '../../outcome.ts'
import { slug } from '../../text/slug.ts'
import type { EvaluationProvider } from './provider.ts'
import { dueAt, type EvaluationRequest } from './request.ts'

const words = { pass: 'passed', warning: 'ended with a warning', fail: 'failed' }
/** What people read in one line: the rest stands in the results. */
const mostNamed = 5

/**
 * How an evaluation ended, in Keptn's terms.
 *
 * @param gaps what there is no data of, or not all, where that is no verdict
 */
export function evaluationOutcome(
  provider: EvaluationProvider,
  evaluation: Evaluation,
  gaps: readonly MeasuredIndicator[],
): Outcome {
  const { result, score, indicatorResults, url } = evaluation
  const rounded = Number(score.toFixed(2))
  // Keptn's merge replaces text, but not numbers: later tasks read the text.
  const data = { ...evaluation, score: rounded, scoreText: String(rounded) }
  const links = url === undefined ? {} : { [`${slug(provider.title)} slo`]: url }
  if (gaps.length > 0) {
    const why = gaps.map(({ name, message, incomplete }) => `${name} (${incomplete ?? message ?? 'there is no data'})`)
    const message = `Not evaluated, since ${provider.title} has no data, or not all, of ${some(why)}`
    return { status: 'errored', result: 'fail', message, data: { ...data, result: 'fail' }, links }
  }
  const missed = indicatorResults.filter(({ status }) => status === 'fail' || status === 'warning').map(describe)
  const message = `The evaluation ${words[result]} with a score of ${data.score}${missed.length > 0 ? `: ${some(missed)}` : ''}`
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
  const more = texts.length - mostNamed
  return [...texts.slice(0, mostNamed), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/**
 * What a silent call hears whose evaluation takes longer than it can wait: that is no verdict.
 *
 * @param runs whether the platform evaluates already, and does not wait for its data any more
 */
export function notYetEvaluated(
  { title, startMeasurement }: EvaluationProvider,
  asked: EvaluationRequest,
  window: Window,
  runs = false,
): Outcome {
  const due = dueAt(asked, window)
  const why =
    startMeasurement || runs
      ? `${title} has not ended its evaluation yet`
      : `${title} has its data up to ${formatUtc(window.end)} at ${formatUtc(due)}`
  const message = `${toSentence(`Not evaluated: ${why}`)} Call it with mode=interactive, which waits for it, or for a time that is further back`
  return {
    status: 'errored',
    result: 'fail',
    message,
    data: { timeStart: formatUtc(window.start), timeEnd: formatUtc(window.end) },
    links: {},
  }
}
