import * as z from 'zod/mini'
import { Failure, type FailureKind, messageOf } from '../errors.ts'
import { about } from '../fields.ts'
import { isRecord } from '../record.ts'
import { validate } from '../validate.ts'
import { type Criterion, parseCriterion } from './criteria.ts'

const longest = 65_536
const mostObjectives = 100

/** An SLO file as it is given: its YAML or JSON as text, or the same as an object. */
export function sloFileField(description: string) {
  return about(z.union([z.string().check(z.maxLength(longest)), z.record(z.string(), z.json())]), description)
}

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
  z.transform((given) => given ?? []),
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

const objective = z.strictObject({
  sli: z.string().check(z.minLength(1), z.maxLength(100)),
  displayName: z.optional(z.string().check(z.maxLength(200))),
  key_sli: z._default(z.boolean(), false),
  weight: z._default(z.number().check(z.positive()), 1),
  pass: z._default(criteria, []),
  warning: z._default(criteria, []),
})

const comparison = z.strictObject({
  compare_with: z.optional(z.enum(['single_result', 'several_results'])),
  include_result_with_score: z._default(z.enum(['pass', 'pass_or_warn', 'all']), 'all'),
  number_of_comparison_results: z._default(z.int().check(z.gte(1), z.lte(100)), 3),
  aggregate_function: z._default(z.enum(['avg', 'p50', 'p90', 'p95']), 'avg'),
})

const empty = z.refine<Record<string, unknown> | null | undefined>((filter) => Object.keys(filter ?? {}).length === 0, {
  message: 'is not applied here: write it into the queries',
})

/** @see https://github.com/keptn/spec/blob/master/service_level_objective.md */
const schema = z.strictObject({
  spec_version: z.optional(z.union([z.string(), z.number()])),
  filter: z.optional(z.nullable(z.record(z.string(), z.unknown())).check(empty)),
  comparison: z.nullish(comparison),
  objectives: z.array(objective).check(z.minLength(1), z.maxLength(mostObjectives)),
  total_score: z.strictObject({ pass: percent, warning: z.optional(percent) }),
})

export type Objective = z.output<typeof objective>
export type Comparison = z.output<typeof comparison>
/** An SLO file in the form of Keptn's `slo.yaml`, read and checked. */
export interface SloFile extends Omit<z.output<typeof schema>, 'comparison' | 'filter'> {
  comparison: Comparison
}

/** What Keptn takes where a file says nothing of it. */
const unlessSaid: Comparison = {
  compare_with: 'single_result',
  include_result_with_score: 'all',
  number_of_comparison_results: 1,
  aggregate_function: 'avg',
}

/**
 * Reads an SLO file.
 *
 * @param where it stands, for messages: `input.sloFile`
 * @throws Failure of the kind, that names each part that is wrong
 */
export async function readSloFile(given: unknown, where: string, kind: FailureKind = 'invalid'): Promise<SloFile> {
  const value = typeof given === 'string' ? await parseYaml(given, where, kind) : given
  const { filter: _, ...file } = validate(schema, value, { what: `The SLO file in ${where}`, root: where, kind })
  return { ...file, comparison: file.comparison ?? unlessSaid }
}

async function parseYaml(text: string, where: string, kind: FailureKind): Promise<unknown> {
  // Loaded when used: few calls bring a file as text.
  const { parse } = await import('yaml')
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    const [why] = messageOf(error).split('\n')
    throw wrong(`is not YAML: ${why}`, where, kind)
  }
  if (isRecord(value)) return value
  throw wrong('must hold objectives and a total_score, as a slo.yaml of Keptn does', where, kind)
}

function wrong(message: string, where: string, kind: FailureKind): Failure {
  return new Failure(kind, `${where} ${message}`, { errors: [{ path: where, message }] })
}

/** Whether any objective is compared with earlier evaluations. */
export function isComparing({ objectives }: SloFile): boolean {
  return objectives
    .flatMap(({ pass, warning }) => [...pass, ...warning])
    .some(({ criteria }) => criteria.some(({ relative }) => relative !== undefined))
}

/** How many earlier evaluations it is compared with. */
export function comparedCount({ compare_with, number_of_comparison_results }: Comparison): number {
  if (compare_with === 'single_result') return 1
  return compare_with === 'several_results' ? number_of_comparison_results : 3
}
