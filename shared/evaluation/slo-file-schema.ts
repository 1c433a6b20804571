import * as z from 'zod/mini'
import { type Criterion, parseCriterion } from './criteria.ts'

const MAX_OBJECTIVES = 100

const criterion = z.pipe(
  z.pipe(
    z.transform((text) => (typeof text === 'string' ? parseCriterion(text) : undefined)),
    z.custom<Criterion | undefined>(
      (parsed) => parsed !== undefined,
      'must be a criterion such as "<600", "<=+10%" or ">=-5"',
    ),
  ),
  z.transform((parsed) => parsed as Criterion),
)
const criteria = z.pipe(
  z.transform((list) => list ?? []),
  z
    .array(z.strictObject({ criteria: z.array(criterion).check(z.minLength(1), z.maxLength(20)) }))
    .check(z.maxLength(20)),
)
const percent = z.pipe(
  z.transform((value) =>
    typeof value === 'string' && /^\d+(\.\d+)?%?$/.test(value) ? Number.parseFloat(value) : value,
  ),
  z.number('must be a percentage such as "90%"').check(z.gte(0), z.lte(100)),
)

export const objective = z.strictObject({
  sli: z.string().check(z.minLength(1), z.maxLength(100)),
  displayName: z.optional(z.string().check(z.maxLength(200))),
  key_sli: z._default(z.boolean(), false),
  weight: z._default(z.number().check(z.positive()), 1),
  pass: z._default(criteria, []),
  warning: z._default(criteria, []),
})

export const comparison = z.strictObject({
  compare_with: z.optional(z.enum(['single_result', 'several_results'])),
  include_result_with_score: z._default(z.enum(['pass', 'pass_or_warn', 'all']), 'all'),
  number_of_comparison_results: z._default(z.int().check(z.gte(1), z.lte(100)), 3),
  aggregate_function: z._default(z.enum(['avg', 'p50', 'p90', 'p95']), 'avg'),
})

const empty = z.refine<Record<string, unknown> | null | undefined>((filter) => Object.keys(filter ?? {}).length === 0, {
  message: 'is not supported: filter in the queries instead',
})

/**
 * An SLO file in the format of Keptn's `slo.yaml`.
 *
 * @see https://github.com/keptn/spec/blob/master/service_level_objective.md
 */
export const sloFile = z.strictObject({
  spec_version: z.optional(z.union([z.string(), z.number()])),
  filter: z.optional(z.nullable(z.record(z.string(), z.unknown())).check(empty)),
  comparison: z.nullish(comparison),
  objectives: z.array(objective).check(z.minLength(1), z.maxLength(MAX_OBJECTIVES)),
  total_score: z.strictObject({ pass: percent, warning: z.optional(percent) }),
})
