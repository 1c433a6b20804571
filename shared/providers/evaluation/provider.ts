import type * as z from 'zod/mini'
import type { Evaluation } from '../../evaluation/evaluation.ts'
import type { MeasuredIndicator } from '../../evaluation/score.ts'
import { sloFileField } from '../../evaluation/slo-file.ts'
import type { EvaluatedTime } from '../../evaluation/timeframe.ts'
import { name, oneOf, optional, seconds, word } from '../../fields.ts'
import type { CallEvent } from '../../orchestrators/event/event.ts'
import type { Client, NoOtherMembers, Provider } from '../provider.ts'
import { type Query, queriesField } from './queries.ts'

/** The queries to measure, and their period. */
export interface MeasurementRequest extends EvaluatedTime {
  /** Without placeholders. Empty if the platform evaluates its own SLO file. */
  queries: Query[]
  /** The origin of the call, for platforms that need it. */
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  /** The sequence of the call. */
  shkeptncontext?: string | undefined
}

/** A call, for platforms that do not support every call. */
export interface EvaluationCall {
  event: CallEvent
  isSilent: boolean
  /** The period to evaluate if the call ran now. */
  window: EvaluatedTime
}

/** Values, an evaluation of the platform itself, or the progress of a measurement. */
type Measurement =
  | { measured: MeasuredIndicator[]; url?: string | undefined }
  | { evaluation: Evaluation }
  | {
      /** The platform's own word. */
      status: string
      /** Replaces the result of `startMeasurement`. */
      started?: unknown
      pollImmediately?: boolean
    }

/** A platform that measures service levels. The action `requestEvaluation` does everything else. */
export interface EvaluationProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'evaluation'
  /** Describes a query for people: `PromQL`, `the id or name of an SLO`. */
  queryNoun: string
  /** The platform has a verdict of its own, or one for some queries. Without it, a call needs an SLO file or thresholds. */
  hasOwnVerdict?: true | ((query: string) => boolean)
  /** The platform evaluates its own SLO file, and supports neither queries nor thresholds nor another file. */
  hasOwnSloFile?: true
  /** Default seconds until data is available. */
  dataDelay: number
  /** Throws Failure `invalid` for a call that the platform does not support. */
  checkCall?(call: EvaluationCall, connection: z.output<S>): void
  /** Throws Failure `invalid` for queries that the platform does not support. */
  checkQueries?(queries: readonly Query[], connection: z.output<S>): void
  /** Starts a measurement that takes time, or finds that of an earlier attempt. Its result, JSON, is passed to `measure`. */
  startMeasurement?(client: Client<z.output<S>>, request: MeasurementRequest): Promise<unknown>
  measure(client: Client<z.output<S>>, request: MeasurementRequest, started: unknown): Promise<Measurement>
}

/**
 * Declares an evaluation provider. The schema of its connection types the client of each function.
 *
 * @example
 * export const acme = defineEvaluationProvider({
 *   title: 'Acme',
 *   connection: z.strictObject({ baseUrl: url('URL of the API'), token: secret('API token'), ...evaluationFields }),
 *   headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
 *   check: ({ http }) => http.get('me'),
 *   queryNoun: 'the name of a metric',
 *   dataDelay: 60,
 *   measure: async ({ http }, { queries, start, end }) => ({
 *     measured: await inBatches(queries, 5, async ({ name, query }) => {
 *       const { body } = await http.get(`metrics/${segment(query)}`, { query: { start, end }, schema: metric })
 *       return { name, value: body.value }
 *     }),
 *   }),
 * })
 */
export function defineEvaluationProvider<S extends z.ZodMiniObject, P extends Omit<EvaluationProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, EvaluationProvider>,
): P & { kind: 'evaluation' } {
  return { kind: 'evaluation', ...provider }
}

/** Fields for the connections of all evaluation providers. */
export const evaluationFields = {
  slo: optional(name('Default SLO, by its id or name')),
  queries: optional(queriesField('Indicators: their names and queries')),
  sloFile: optional(sloFileField("Objectives in the format of Keptn's slo.yaml, as text or as JSON")),
  timeframe: optional(word('Default timeframe, such as 5m')),
  dataDelay: optional(seconds(0, 86_400, 'Time until data is complete: seconds, or such as PT2M')),
  noData: optional(oneOf(['errored', 'warning'], 'Result of an objective without data. Defaults to errored')),
}
