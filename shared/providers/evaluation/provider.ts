import type * as z from 'zod/mini'
import type { Evaluation } from '../../evaluation/evaluation.ts'
import type { MeasuredIndicator } from '../../evaluation/score.ts'
import { sloFileField } from '../../evaluation/slo-file.ts'
import type { Window } from '../../evaluation/timeframe.ts'
import { name, oneOf, optional, seconds, word } from '../../fields.ts'
import type { CallEvent } from '../../orchestrators/keptn/event.ts'
import type { Client, NoOtherMembers, Provider } from '../provider.ts'
import { type Query, queriesField } from './queries.ts'

/** What is to be measured, and of which time. */
export interface MeasurementRequest extends Window {
  /** With nothing left to fill in; empty where the platform judges by what it has itself. */
  queries: Query[]
  /** What it is about, for a platform that is told. */
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  /** The sequence that asks. */
  shkeptncontext?: string | undefined
}

/** A call as it comes, for a platform that can not evaluate whatever is asked of it. */
export interface EvaluationCall {
  event: CallEvent
  /** Whether it is answered at once. */
  isSilent: boolean
  /** What it would evaluate if it were carried out now. */
  window: Window
}

/** What a platform answers: values, an evaluation of its own, or that it is not done yet. */
type Measurement =
  | { measured: MeasuredIndicator[]; url?: string | undefined }
  | { evaluation: Evaluation }
  | {
      /** The platform's word for its state. */
      status: string
      /** What it takes to ask again, where that is something else now. */
      started?: unknown
      pollImmediately?: boolean
    }

/** A platform that measures service levels: vendor knowledge only, the judgement is made by the action below. */
export interface EvaluationProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'evaluation'
  /** What a query is here, for people: `PromQL`, `the id or name of an SLO`. */
  queryNoun: string
  /** Whether what is asked for has a verdict of the platform's own; without it there must be objectives or thresholds. */
  hasOwnVerdict?: true
  /** Whether it has an SLO file of its own: then it takes neither queries, nor thresholds, nor a file. */
  hasOwnSloFile?: true
  /** Seconds until what has happened can be read; a connection may say otherwise. */
  dataDelay: number
  /** Throws Failure `invalid` for a call that this platform can do nothing for. */
  checkCall?(call: EvaluationCall, connection: z.output<S>): void
  /** Throws Failure `invalid` for what this platform has nothing for. */
  checkQueries?(queries: readonly Query[], connection: z.output<S>): void
  /** Begins what takes its time at the platform; the answer, JSON, goes to `measure`. Finds what an earlier try has begun. */
  startMeasurement?(client: Client<z.output<S>>, asked: MeasurementRequest): Promise<unknown>
  measure(client: Client<z.output<S>>, asked: MeasurementRequest, begun: unknown): Promise<Measurement>
}

/** Declares an evaluation provider; the schema of its connection types the client of each of its functions. */
export function defineEvaluationProvider<S extends z.ZodMiniObject, P extends Omit<EvaluationProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, EvaluationProvider>,
): P & { kind: 'evaluation' } {
  return { kind: 'evaluation', ...provider }
}

/** What the connection of every platform may say of its evaluations. */
export const evaluationFields = {
  slo: optional(name('Default SLO, where the platform has any, by its id or name')),
  queries: optional(queriesField('Indicators by their names, each with its query')),
  sloFile: optional(sloFileField("Objectives, in the form of Keptn's slo.yaml: its text, or the same as JSON")),
  timeframe: optional(word('Default timeframe, such as 5m')),
  dataDelay: optional(seconds(0, 86_400, 'How long it takes until what has happened can be read, such as PT2M')),
  noData: optional(oneOf(['errored', 'warning'], 'What comes of an objective without data: errored where left out')),
}
