import * as z from 'zod/mini'
import { atLeast, type Criterion } from '../../shared/evaluation/criteria.ts'
import type { Result } from '../../shared/evaluation/evaluation.ts'
import { clipSingleLine } from '../../shared/text/single-line.ts'

/** What an SLO has to reach, in percent. */
export interface Goal {
  target: number
  warning?: number | null | undefined
}

/** Asked for at once: Dynatrace refuses with a bare 429 what waits for a free thread for too long. */
export const mostAtOnce = 5

/** What it calls a verdict, in both of its APIs for SLOs. */
export const verdicts: ReadonlyMap<unknown, Result> = new Map<unknown, Result>([
  ['SUCCESS', 'pass'],
  ['WARNING', 'warning'],
  ['FAILURE', 'fail'],
])

/** The goal as criteria: a warning stands above the target, and between the two the SLO is met, but only just. */
export function criteriaOf({ target, warning }: Goal): { pass: Criterion; warning?: Criterion } {
  if (typeof warning !== 'number' || warning <= target) return { pass: atLeast(target) }
  return { pass: atLeast(warning), warning: atLeast(target) }
}

/**
 * How much of the error budget is left. Dynatrace's own number is the distance from the target, in points.
 *
 * @param value what was measured, in percent
 * @returns percent; below 0 where more was used than there is; undefined where the target leaves no budget
 */
export function budgetLeft(value: number, { target }: Goal): number | undefined {
  return target < 100 ? Number(((100 * (value - target)) / (100 - target)).toFixed(4)) : undefined
}

const text = z.nullish(z.string())
const violations = z.nullish(z.array(z.object({ path: text, message: text })))
const refusal = z.object({
  error: z.object({
    message: z.string(),
    constraintViolations: violations,
    // As the platform's own services have it.
    details: z.nullish(z.object({ constraintViolations: violations, missingScopes: z.nullish(z.array(z.string())) })),
  }),
})

/** Dynatrace's words for a refusal, with each field that is wrong and the scopes that are missing. */
export function reasonOf(body: unknown): string | undefined {
  const { error } = z.safeParse(refusal, body).data ?? {}
  if (!error) return undefined
  const { message, constraintViolations, details } = error
  const fields = [...(constraintViolations ?? []), ...(details?.constraintViolations ?? [])]
  const wrong = fields.map(({ path, message }) => [path, message].filter(Boolean).join(': '))
  const scopes = details?.missingScopes ?? []
  const words = [message, ...wrong, ...(scopes.length > 0 ? [`missing scopes: ${scopes.join(', ')}`] : [])]
  return clipSingleLine(words.filter(Boolean).join('; '), 500)
}
