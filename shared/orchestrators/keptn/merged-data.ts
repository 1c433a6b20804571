import { isRecord } from '../../record.ts'

/**
 * The newest of the evaluations that an event carries from earlier tasks of its sequence.
 *
 * Keptn merges the results of tasks of one name: newer text replaces older text and newer entries of a list come first,
 * but a number keeps its first value. So the newest entry of each indicator counts, and `score` is that of the first
 * evaluation. Our evaluations repeat their score as text.
 */
export function newestEvaluation(merged: Record<string, unknown>): Record<string, unknown> {
  const { score: _, scoreText, indicatorResults, ...others } = merged
  const score = typeof scoreText === 'string' && scoreText !== '' ? Number(scoreText) : Number.NaN
  return {
    ...others,
    ...(Number.isNaN(score) ? {} : { score }),
    ...(indicatorResults === undefined ? {} : { indicatorResults: newestIndicators(indicatorResults) }),
  }
}

/** In a form, a list is an object with numbers for names. */
function newestIndicators(list: unknown): unknown {
  if (!Array.isArray(list) && !isRecord(list)) return list
  const names = new Set<string>()
  return Object.values(list).filter((indicator) => {
    const name = nameOf(indicator)
    if (name === undefined) return true
    const isNew = !names.has(name)
    names.add(name)
    return isNew
  })
}

function nameOf(indicator: unknown): string | undefined {
  if (!isRecord(indicator)) return undefined
  const metric = isRecord(indicator['value']) ? indicator['value']['metric'] : undefined
  const name = metric ?? indicator['displayName']
  return typeof name === 'string' ? name : undefined
}
