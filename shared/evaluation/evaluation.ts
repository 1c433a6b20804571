import { isRecord } from '../record.ts'

export type Result = 'pass' | 'warning' | 'fail'

/**
 * The result of an evaluation, in the structure of Keptn's own `data.evaluation`.
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
  /** Event ids of the previous evaluations in the comparison. */
  comparedEvents?: string[]
  /** Remaining error budget in percent: the lowest of all SLOs. */
  errorBudget?: number
  url?: string
}

export interface IndicatorResult {
  displayName: string
  /** `info` has no criteria and does not count. */
  status: Result | 'info'
  score: number
  keySli: boolean
  value: Value
  passTargets: IndicatorTarget[]
  warningTargets: IndicatorTarget[]
  /** Remaining, in percent. */
  errorBudget?: number
}

/** A measured value. Without success, the message says why there is none. */
interface Value {
  metric: string
  value: number
  success: boolean
  message?: string
  /** The aggregated value of previous evaluations. */
  comparedValue?: number
}

/** The result of a criterion. */
export interface IndicatorTarget {
  /** The text in the SLO file: `<=+10%`. */
  criteria: string
  targetValue: number
  violated: boolean
}

const SEVERITY: readonly Result[] = ['pass', 'warning', 'fail']

/** Returns the worst result. Defaults to pass. */
export function worstResult(results: readonly Result[]): Result {
  return results.reduce((a, b) => (SEVERITY.indexOf(b) > SEVERITY.indexOf(a) ? b : a), 'pass')
}

/** The evaluation of an event. Its fields are not validated: other services may have written them. */
export interface EventEvaluation extends Record<string, unknown> {
  result?: unknown
  score?: unknown
  indicatorResults?: unknown
}

/**
 * Returns the evaluation in the results of a task, as interactive calls and Keptn itself store it, or as webhook-service
 * stores the response to a silent call.
 */
export function evaluationIn(results: unknown): EventEvaluation | undefined {
  if (!isRecord(results)) return undefined
  if (['indicatorResults', 'score', 'result'].some((name) => results[name] !== undefined)) return results
  const { responses } = results
  // In a form, a list is an object with numbers as names.
  const [response] = Object.values(isRecord(responses) || Array.isArray(responses) ? responses : {})
  if (!isRecord(response) || !isRecord(response['data'])) return undefined
  return evaluationIn({ ...response['data'], responses: undefined })
}
