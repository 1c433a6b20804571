import * as z from 'zod/mini'
import { Failure, type FailureKind, messageOf } from '../errors.ts'
import { withDescription } from '../fields.ts'
import { isRecord } from '../record.ts'
import { validate } from '../validate.ts'
import type { comparison, objective, sloFile } from './slo-file-schema.ts'

const MAX_FILE = 65_536

/** Returns a field for an SLO file: YAML or JSON as text, or an object. */
export function sloFileField(description: string) {
  return withDescription(
    z.union([z.string().check(z.maxLength(MAX_FILE)), z.record(z.string(), z.json())]),
    description,
  )
}

export type Objective = z.output<typeof objective>
export type Comparison = z.output<typeof comparison>
/** A parsed SLO file in the format of Keptn's `slo.yaml`. */
export interface SloFile extends Omit<z.output<typeof sloFile>, 'comparison' | 'filter'> {
  comparison: Comparison
}

/** Keptn's defaults. */
const defaultComparison: Comparison = {
  compare_with: 'single_result',
  include_result_with_score: 'all',
  number_of_comparison_results: 1,
  aggregate_function: 'avg',
}

/**
 * Parses an SLO file.
 *
 * @param path for messages: `input.sloFile`
 * @throws Failure of the given kind, with every invalid field
 */
export async function readSloFile(file: unknown, path: string, kind: FailureKind = 'invalid'): Promise<SloFile> {
  const value = typeof file === 'string' ? await parseYaml(file, path, kind) : file
  // Loaded when used: many calls have an SLO or thresholds instead.
  const { sloFile } = await import('./slo-file-schema.ts')
  const { filter: _, ...parsed } = validate(sloFile, value, { what: `The SLO file in ${path}`, root: path, kind })
  return { ...parsed, comparison: parsed.comparison ?? defaultComparison }
}

async function parseYaml(text: string, path: string, kind: FailureKind): Promise<unknown> {
  // Keptn prints a map as map[..].
  if (text.startsWith('map['))
    throw invalidFile('must be a text: in a shipyard, write it as a text block (|)', path, kind)
  // Loaded when used: few calls have a file as text.
  const { default: yaml } = await import('yaml')
  let value: unknown
  try {
    value = yaml.parse(text)
  } catch (error) {
    const [reason] = messageOf(error).split('\n')
    throw invalidFile(`is not valid YAML: ${reason}`, path, kind)
  }
  if (isRecord(value)) return value
  throw invalidFile('must have objectives and a total_score, as in a slo.yaml of Keptn', path, kind)
}

function invalidFile(message: string, path: string, kind: FailureKind): Failure {
  return new Failure(kind, `${path} ${message}`, { errors: [{ path, message }] })
}

/** Returns whether any objective is compared with previous evaluations. */
export function hasRelativeCriteria({ objectives }: SloFile): boolean {
  return objectives
    .flatMap(({ pass, warning }) => [...pass, ...warning])
    .some(({ criteria }) => criteria.some(({ relative }) => relative !== undefined))
}

/** Returns the number of previous evaluations in the comparison. */
export function comparedCount({ compare_with, number_of_comparison_results }: Comparison): number {
  if (compare_with === 'single_result') return 1
  return compare_with === 'several_results' ? number_of_comparison_results : 3
}
