export type Aggregate = 'avg' | 'p50' | 'p90' | 'p95'

const shares = { p50: 0.5, p90: 0.9, p95: 0.95 }

/**
 * Aggregates values as Keptn does: percentiles are interpolated.
 *
 * @param values in any order, at least one
 * @see https://github.com/keptn/keptn/blob/master/lighthouse-service/event_handler/evaluate_sli_handler.go (calculatePercentile)
 */
export function aggregate(values: readonly number[], by: Aggregate): number {
  if (by === 'avg') return values.reduce((sum, value) => sum + value, 0) / values.length
  const sorted = values.toSorted((a, b) => a - b)
  const valueAt = (place: number) => sorted[Math.min(Math.max(place, 1), sorted.length) - 1] ?? Number.NaN
  const place = shares[by] * (sorted.length + 1)
  const below = Math.floor(place)
  return valueAt(below) + (place - below) * (valueAt(below + 1) - valueAt(below))
}
