import * as z from 'zod/mini'
import { worstResult } from '../../../shared/evaluation/evaluation.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { criteriaOf, errorBudgetOf, type Goal, verdicts } from '../dynatrace-slo.ts'

const text = z.nullish(z.string())
const number = z.nullish(z.number())
const criterion = z.object({ timeframeFrom: text, target: z.number(), warning: number })
const result = z.object({ criteria: text, status: text, value: number, message: text })

/** A response of the platform's SLO service. It has a token while the evaluation is running. */
export const sloEvaluation = z.object({
  definition: z.nullish(z.object({ id: text, criteria: z.nullish(z.array(criterion)) })),
  evaluationResults: z.nullish(z.array(result)),
  evaluationToken: text,
  ttlSeconds: number,
})
type SloEvaluation = z.output<typeof sloEvaluation>
type Result = z.output<typeof result>

const SLO_PAGE = 'ui/intent/dynatrace.service.level.objectives/view-slo'
const MAX_MESSAGE = 300

/**
 * Returns the measured value and verdict of an SLO. If it has several criteria, the worst one counts. A criterion without
 * data makes the value incomplete.
 *
 * @param environmentUrl base URL for the link to the SLO
 */
export function measuredOf(
  name: string,
  { definition, evaluationResults }: SloEvaluation,
  environmentUrl: string,
): MeasuredIndicator {
  const results = evaluationResults ?? []
  const id = definition?.id
  const base = {
    name,
    ...(id ? { url: `${environmentUrl}/${SLO_PAGE}#${encodeURIComponent(JSON.stringify({ 'dt.slo.id': id }))}` } : {}),
  }
  const judged = results.flatMap((result) => {
    const { value } = result
    const status = verdicts.get(result.status)
    return status && typeof value === 'number'
      ? [{ ...result, value, status, goal: goalOf(result, results, definition) }]
      : []
  })
  const gaps = results.filter(({ status, value }) => !verdicts.has(status) || typeof value !== 'number').map(gapOf)
  const status = worstResult(judged.map((result) => result.status))
  const decisive = judged.find((result) => result.status === status)
  if (!decisive) return { ...base, value: undefined, message: clip(gaps) || 'Dynatrace returned no result' }
  const { value, goal } = decisive
  const remarks = [
    ...(results.length > 1 && decisive.criteria ? [`of ${decisive.criteria}`] : []),
    ...(decisive.message ? [decisive.message] : []),
  ]
  const budgets = judged.flatMap((result) => (result.goal ? (errorBudgetOf(result.value, result.goal) ?? []) : []))
  return {
    ...base,
    value,
    verdict: { status, ...(goal ? criteriaOf(goal) : {}) },
    ...(budgets.length > 0 ? { errorBudget: Math.min(...budgets) } : {}),
    ...(remarks.length > 0 ? { message: clip(remarks) } : {}),
    ...(gaps.length > 0 ? { incomplete: clip(gaps) } : {}),
  }
}

/** Matches a result with its criterion. A result identifies it only by text that starts with the timeframe (undocumented). */
function goalOf(
  { criteria }: Result,
  results: readonly Result[],
  definition: SloEvaluation['definition'],
): Goal | undefined {
  const goals = definition?.criteria ?? []
  if (goals.length === 1 && results.length === 1) return goals[0]
  const matches = goals.filter(({ timeframeFrom }) => timeframeFrom && criteria?.split(/\s/)[0] === timeframeFrom)
  return matches.length === 1 ? matches[0] : undefined
}

function gapOf({ criteria, status, message }: Result): string {
  const reason = message || (verdicts.has(status) || !status ? 'no value' : `unknown status "${status}"`)
  return criteria ? `${criteria}: ${reason}` : reason
}

function clip(parts: readonly string[]): string {
  return clipSingleLine(parts.join('; '), MAX_MESSAGE)
}
