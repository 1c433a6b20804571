import * as z from 'zod/mini'
import { atLeast } from '../../shared/evaluation/criteria.ts'
import type { MeasuredIndicator } from '../../shared/evaluation/score.ts'
import { integer } from '../../shared/fields.ts'

/** The field for the connections of platforms without a warning: an SLO that is met is a warning if its error budget is low. */
export const budgetWarning = z._default(
  integer(0, 100, 'Percentage of the error budget below which an SLO that is met is a warning. Defaults to 10'),
  10,
)

interface Budget {
  /** In percent, as the goal. */
  value: number
  goal: number
  /** The percentage that is left. Undefined if there is none. */
  errorBudget: number | undefined
  budgetWarning: number
}

/**
 * Compares a value with the goal of an SLO, and its error budget with the warning of the connection.
 *
 * @param notes about the value, for the message
 */
export function judgedByBudget(
  { value, goal, errorBudget, budgetWarning }: Budget,
  notes: string[],
): Pick<MeasuredIndicator, 'value' | 'message' | 'verdict' | 'errorBudget'> {
  const isLow = errorBudget !== undefined && errorBudget < budgetWarning
  const status = value < goal ? 'fail' : isLow ? 'warning' : 'pass'
  const warning = status === 'warning' ? `${Math.round(errorBudget ?? 0)}% of the error budget is left` : ''
  const message = [warning, ...notes].filter(Boolean).join(', ')
  return { value, message: message || undefined, verdict: { status, pass: atLeast(goal) }, errorBudget }
}

/** Returns a fraction in percent, without what floating-point arithmetic adds: 0.9995 is 99.95. */
export function percentOf(fraction: number): number {
  return Number((100 * fraction).toPrecision(12))
}
