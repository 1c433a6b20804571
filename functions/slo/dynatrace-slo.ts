import { atLeast, type Criterion } from '../../shared/evaluation/criteria.ts'
import type { Result } from '../../shared/evaluation/evaluation.ts'

/** The target of an SLO, in percent. */
export interface Goal {
  target: number
  warning?: number | null | undefined
}

/** Dynatrace answers 429 if requests wait too long for a free thread. */
export const MAX_CONCURRENT_SLOS = 5

/** The statuses of both SLO APIs. */
export const verdicts: ReadonlyMap<unknown, Result> = new Map<unknown, Result>([
  ['SUCCESS', 'pass'],
  ['WARNING', 'warning'],
  ['FAILURE', 'fail'],
])

/** Returns the goal as criteria. Dynatrace's warning is above the target: between the two, the SLO is met with a warning. */
export function criteriaOf({ target, warning }: Goal): { pass: Criterion; warning?: Criterion } {
  if (typeof warning !== 'number' || warning <= target) return { pass: atLeast(target) }
  return { pass: atLeast(warning), warning: atLeast(target) }
}

/**
 * Returns the percentage of the error budget that is left, below 0 if it is overdrawn, or undefined if the target is 100.
 * Dynatrace's own number is the distance from the target in percentage points.
 *
 * @param value the measured value, in percent
 */
export function errorBudgetOf(value: number, { target }: Goal): number | undefined {
  return target < 100 ? Number(((100 * (value - target)) / (100 - target)).toFixed(4)) : undefined
}
