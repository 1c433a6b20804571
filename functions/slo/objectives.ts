import type { EventEvaluation, Result } from '../../shared/evaluation/evaluation.ts'
import { isRecord } from '../../shared/record.ts'
import { plainSingleLine } from '../../shared/text/plain-text.ts'
import { numberOf, recordsOf, textOf } from '../notification/templates/event-values.ts'

/** One objective of a reported evaluation. */
export interface ReportedObjective {
  /** The display name, on one line. */
  name: string
  /** The name of the indicator. */
  metric: string
  /** Undefined if nothing was measured. */
  value: number | undefined
  /** `info` if the objective has no criteria or its status is unknown. */
  status: Result | 'info'
  score: number
  /** The pass criteria: `<=400, <=+10%`. */
  target?: string
}

const statuses = new Map<unknown, Result>([
  ['pass', 'pass'],
  ['warning', 'warning'],
  ['fail', 'fail'],
  ['failed', 'fail'],
])

/** Returns the objectives of an evaluation. Events carry any JSON, so values of the wrong type are ignored. */
export function objectivesOf({ indicatorResults }: Pick<EventEvaluation, 'indicatorResults'>): ReportedObjective[] {
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

/** Keptn reports an indicator without data with the value 0 and `success: false`. */
function wasMeasured({ success }: Record<string, unknown>): boolean {
  return success !== false && success !== 'false'
}

function lineOf(value: unknown): string {
  return plainSingleLine(textOf(value) ?? '')
}
