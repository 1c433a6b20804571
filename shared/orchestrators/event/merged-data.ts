import { isRecord } from '../../record.ts'

/**
 * Returns the newest of the evaluations that Keptn merged into an event.
 *
 * Keptn merges the results of all tasks with one name: newer text replaces older text, and newer list entries come first, but
 * a number keeps its first value. So the first entry of each indicator is the newest, and `score` is that of the first
 * evaluation. This project's evaluations repeat their score as text.
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

/** A form turns a list into an object with numbers as names. */
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
