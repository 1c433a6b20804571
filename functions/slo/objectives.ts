import type { EventEvaluation, Result } from '../../shared/evaluation/evaluation.ts'
import { isRecord } from '../../shared/record.ts'
import { plainSingleLine } from '../../shared/text/plain-text.ts'
import { numberOf, recordsOf, textOf } from '../notification/templates/values.ts'

/** An objective as an evaluation tells of it. */
export interface ToldObjective {
  /** As people call it: one line. */
  name: string
  /** What was measured for it, as it was asked for. */
  metric: string
  /** Undefined where nothing was measured. */
  value: number | undefined
  /** `info`: it does not count, or how it stands is not told. */
  status: Result | 'info'
  score: number
  /** What it takes to pass: `<=400, <=+10%`. */
  target?: string
}

const statuses = new Map<unknown, Result>([
  ['pass', 'pass'],
  ['warning', 'warning'],
  ['fail', 'fail'],
  ['failed', 'fail'],
])

/** The objectives of an evaluation, whatever an event has made of them: what can not be read of one is left out. */
export function objectivesOf({ indicatorResults }: Pick<EventEvaluation, 'indicatorResults'>): ToldObjective[] {
  return recordsOf(indicatorResults).map(({ displayName, status, score, value, passTargets }) => {
    const measured = isRecord(value) ? value : {}
    const metric = lineOf(measured['metric'])
    const name = lineOf(displayName) || metric || 'Unnamed'
    const target = recordsOf(passTargets)
      .map(({ criteria }) => lineOf(criteria))
      .filter(Boolean)
      .join(', ')
    return {
      name,
      metric: metric || name,
      value: wasMeasured(measured) ? numberOf(measured['value']) : undefined,
      status: statuses.get(status) ?? 'info',
      score: numberOf(score) ?? 0,
      ...(target ? { target } : {}),
    }
  })
}

/** Where nothing was measured, Keptn's services say so, and their value is 0. */
function wasMeasured({ success }: Record<string, unknown>): boolean {
  return success !== false && success !== 'false'
}

function lineOf(value: unknown): string {
  return plainSingleLine(textOf(value) ?? '')
}
