import * as z from 'zod/mini'
import { worstResult } from '../../shared/evaluation/evaluation.ts'
import type { MeasuredIndicator } from '../../shared/evaluation/score.ts'
import { clipSingleLine } from '../../shared/text/single-line.ts'
import { budgetLeft, criteriaOf, type Goal, verdicts } from './dynatrace.ts'

const text = z.nullish(z.string())
const number = z.nullish(z.number())
const criterion = z.object({ timeframeFrom: text, target: z.number(), warning: number })
const result = z.object({ criteria: text, status: text, value: number, message: text })

/** What the platform's SLO service answers: with a token it still evaluates. */
export const sloEvaluation = z.object({
  definition: z.nullish(z.object({ id: text, criteria: z.nullish(z.array(criterion)) })),
  evaluationResults: z.nullish(z.array(result)),
  evaluationToken: text,
  ttlSeconds: number,
})
type SloEvaluation = z.output<typeof sloEvaluation>
type Result = z.output<typeof result>

const app = 'ui/intent/dynatrace.service.level.objectives/view-slo'
const longestMessage = 300

/**
 * An SLO as its evaluation has found it: of several criteria the worst counts, and one without data is a gap.
 *
 * @param environment where people see it
 */
export function measuredOf(
  name: string,
  { definition, evaluationResults }: SloEvaluation,
  environment: string,
): MeasuredIndicator {
  const results = evaluationResults ?? []
  const id = definition?.id
  const shown = {
    name,
    ...(id ? { url: `${environment}/${app}#${encodeURIComponent(JSON.stringify({ 'dt.slo.id': id }))}` } : {}),
  }
  const judged = results.flatMap((one) => {
    const [status, { value }] = [verdicts.get(one.status), one]
    return status && typeof value === 'number'
      ? [{ ...one, value, status, goal: goalOf(one, results, definition) }]
      : []
  })
  const gaps = results.filter((one) => !verdicts.has(one.status) || typeof one.value !== 'number').map(gapOf)
  const status = worstResult(judged.map((one) => one.status))
  const decisive = judged.find((one) => one.status === status)
  if (!decisive) return { ...shown, value: undefined, message: clip(gaps) || 'Dynatrace has answered no result' }
  const { value, goal } = decisive
  const remarks = [
    // Which of them has decided.
    ...(results.length > 1 && decisive.criteria ? [`of ${decisive.criteria}`] : []),
    ...(decisive.message ? [decisive.message] : []),
  ]
  const budgets = judged.flatMap((one) => (one.goal ? (budgetLeft(one.value, one.goal) ?? []) : []))
  return {
    ...shown,
    value,
    verdict: { status, ...(goal ? criteriaOf(goal) : {}) },
    ...(budgets.length > 0 ? { errorBudget: Math.min(...budgets) } : {}),
    ...(remarks.length > 0 ? { message: clip(remarks) } : {}),
    ...(gaps.length > 0 ? { incomplete: clip(gaps) } : {}),
  }
}

/** Results name their criterion by its timeframe, in words that are documented nowhere. */
function goalOf(
  { criteria }: Result,
  results: readonly Result[],
  definition: SloEvaluation['definition'],
): Goal | undefined {
  const goals = definition?.criteria ?? []
  if (goals.length === 1 && results.length === 1) return goals[0]
  const named = goals.filter(({ timeframeFrom }) => timeframeFrom && criteria?.split(/\s/)[0] === timeframeFrom)
  return named.length === 1 ? named[0] : undefined
}

function gapOf({ criteria, status, message }: Result): string {
  const known = verdicts.has(status)
  const why = message || (known || !status ? 'no value' : `the status "${status}" is not known`)
  return criteria ? `${criteria}: ${why}` : why
}

function clip(parts: readonly string[]): string {
  return clipSingleLine(parts.join('; '), longestMessage)
}
