import { isRecord } from '../record.ts'
import { evaluationIn, type Result } from './evaluation.ts'
import type { Comparison } from './slo-file.ts'

/** A previous evaluation of the same service. */
export interface PreviousEvaluation {
  /** The id of its event. */
  id: string
  result: Result
  measured: { metric: string; value: number; status: string }[]
}

/**
 * Returns the evaluation of a `finished` event.
 *
 * @param event from the orchestrator's event store
 * @returns undefined if the event has none, or one that failed
 */
export function previousEvaluationIn(event: unknown): PreviousEvaluation | undefined {
  if (!isRecord(event) || !isRecord(event['data']) || typeof event['id'] !== 'string') return undefined
  const { id, type, data } = event
  const { status = 'succeeded' } = data as Record<string, unknown>
  if (status !== 'succeeded') return undefined
  const task = /^sh\.keptn\.event\.(.+)\.finished$/.exec(String(type))?.[1] ?? ''
  const evaluation = evaluationIn(
    Object.hasOwn(data as object, task) ? (data as Record<string, unknown>)[task] : undefined,
  )
  const result = evaluation?.result ?? (data as Record<string, unknown>)['result']
  if (result !== 'pass' && result !== 'warning' && result !== 'fail') return undefined
  const indicators = Array.isArray(evaluation?.indicatorResults) ? evaluation.indicatorResults : []
  return { id: id as string, result, measured: indicators.flatMap(measuredIn) }
}

function measuredIn(indicator: unknown): PreviousEvaluation['measured'] {
  if (!isRecord(indicator) || !isRecord(indicator['value'])) return []
  const { metric, value, success } = indicator['value']
  if (typeof metric !== 'string' || typeof value !== 'number' || success !== true) return []
  return [{ metric, value, status: String(indicator['status']) }]
}

/** Returns the results that count for the comparison. An empty list means all. */
export function resultsFor({ include_result_with_score: minimum }: Comparison): readonly Result[] {
  return { all: [], pass_or_warn: ['pass', 'warning'], pass: ['pass'] }[minimum] as Result[]
}

/** Returns whether an objective of a previous evaluation counts for the comparison. */
export function isComparable(status: string, comparison: Comparison): boolean {
  const results: readonly string[] = resultsFor(comparison)
  return results.length === 0 || results.includes(status)
}
