import * as z from 'zod/mini'
import { Failure, type FailureKind, messageOf } from '../errors.ts'
import { withDescription } from '../fields.ts'
import { isRecord } from '../record.ts'
import { validate } from '../validate.ts'
import type { comparison, objective, sloFile } from './slo-file-schema.ts'

const longest = 65_536

/** An SLO file as it is given: its YAML or JSON as text, or the same as an object. */
export function sloFileField(description: string) {
  return withDescription(z.union([z.string().check(z.maxLength(longest)), z.record(z.string(), z.json())]), description)
}

export type Objective = z.output<typeof objective>
export type Comparison = z.output<typeof comparison>
/** An SLO file in the form of Keptn's `slo.yaml`, read and checked. */
export interface SloFile extends Omit<z.output<typeof sloFile>, 'comparison' | 'filter'> {
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
  // Loaded when used: many calls name an SLO, or thresholds.
  const { sloFile } = await import('./slo-file-schema.ts')
  const { filter: _, ...file } = validate(sloFile, value, { what: `The SLO file in ${where}`, root: where, kind })
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
export function hasRelativeCriteria({ objectives }: SloFile): boolean {
  return objectives
    .flatMap(({ pass, warning }) => [...pass, ...warning])
    .some(({ criteria }) => criteria.some(({ relative }) => relative !== undefined))
}

/** How many earlier evaluations it is compared with. */
export function comparedCount({ compare_with, number_of_comparison_results }: Comparison): number {
  if (compare_with === 'single_result') return 1
  return compare_with === 'several_results' ? number_of_comparison_results : 3
}
