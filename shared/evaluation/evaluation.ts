import { isRecord } from '../record.ts'

export type Result = 'pass' | 'warning' | 'fail'

/**
 * How objectives were met, in the shape that Keptn's own evaluation has in `data.evaluation`.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (evaluation.finished)
 */
export interface Evaluation {
  result: Result
  /** 0 to 100. */
  score: number
  /** ISO 8601, in UTC. */
  timeStart: string
  timeEnd: string
  indicatorResults: IndicatorResult[]
  /** Ids of the earlier evaluations that it was compared with. */
  comparedEvents?: string[]
  /** Percent of the error budget that is left: of several the least. */
  errorBudget?: number
  url?: string
}

export interface IndicatorResult {
  displayName: string
  /** `info`: it has no criteria, and does not count. */
  status: Result | 'info'
  score: number
  keySli: boolean
  value: Value
  passTargets: Target[]
  warningTargets: Target[]
  /** Percent that is left. */
  errorBudget?: number
}

/** What was measured. One that has no value is no success, and says why. */
interface Value {
  metric: string
  value: number
  success: boolean
  message?: string
  /** What earlier evaluations measured, where it was compared with them. */
  comparedValue?: number
}

/** A criterion, and what it came to. */
export interface Target {
  /** As written: `<=+10%`. */
  criteria: string
  targetValue: number
  violated: boolean
}

const severity: readonly Result[] = ['pass', 'warning', 'fail']

/** The worst of several; a pass of none. */
export function worstResult(results: readonly Result[]): Result {
  return results.reduce((a, b) => (severity.indexOf(b) > severity.indexOf(a) ? b : a), 'pass')
}

/** An evaluation as an event carries it: whatever the orchestrator and its services have made of it. */
export interface EventEvaluation extends Record<string, unknown> {
  result?: unknown
  score?: unknown
  indicatorResults?: unknown
}

/**
 * The evaluation in the results of a task: as an interactive call, or Keptn itself, puts it there, or as webhook-service
 * keeps the answer to a silent one. Undefined where there is none.
 */
export function evaluationIn(results: unknown): EventEvaluation | undefined {
  if (!isRecord(results)) return undefined
  if (['indicatorResults', 'score', 'result'].some((name) => results[name] !== undefined)) return results
  const { responses } = results
  // In a form a list has numbers for names.
  const [answer] = Object.values(isRecord(responses) || Array.isArray(responses) ? responses : {})
  if (!isRecord(answer) || !isRecord(answer['data'])) return undefined
  return evaluationIn({ ...answer['data'], responses: undefined })
}
