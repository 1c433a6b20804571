import type * as z from 'zod/mini'
import type { Evaluation } from '../../evaluation/evaluation.ts'
import type { Measured } from '../../evaluation/score.ts'
import { sloFileField } from '../../evaluation/slo-file.ts'
import type { Window } from '../../evaluation/timeframe.ts'
import { choice, name, optional, seconds, word } from '../../fields.ts'
import type { CallEvent } from '../../orchestrators/keptn/event.ts'
import type { Action } from '../category.ts'
import type { Client, Provider } from '../provider.ts'
import type { Pending } from './evaluate.ts'
import { type Query, queriesField } from './queries.ts'
import { completeRequest, type Evaluate, type Read, readRequest, requestInput } from './request.ts'

/** What is to be measured, and of which time. */
export interface Asked extends Window {
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
  silent: boolean
  /** What it would evaluate if it were carried out now. */
  window: Window
}

/** What a platform answers: values, an evaluation of its own, or that it is not done yet. */
type Measurement =
  | { measured: Measured[]; url?: string | undefined }
  | { evaluation: Evaluation }
  | {
      /** The platform's word for its state. */
      running: string
      /** What it takes to ask again, where that is something else now. */
      begun?: unknown
      soon?: boolean
    }

/** A platform that measures service levels: vendor knowledge only, the judgement is made by the action below. */
export interface EvaluationProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  shape: 'evaluation'
  /** What a query is here, for people: `PromQL`, `the id or name of an SLO`. */
  query: string
  /** Whether what is asked for has a verdict of the platform's own; without it there must be objectives or thresholds. */
  judges?: true
  /** Whether it has an SLO file of its own: then it takes neither queries, nor thresholds, nor a file. */
  judgesAll?: true
  /** Seconds until what has happened can be read; a connection may say otherwise. */
  dataDelay: number
  /** Throws Failure `invalid` for a call that this platform can do nothing for. */
  checkCall?(call: EvaluationCall, connection: z.output<S>): void
  /** Throws Failure `invalid` for what this platform has nothing for. */
  checkQueries?(queries: readonly Query[], connection: z.output<S>): void
  /** Begins what takes its time at the platform; the answer, JSON, goes to `measure`. Finds what an earlier try has begun. */
  begin?(client: Client<z.output<S>>, asked: Asked): Promise<unknown>
  measure(client: Client<z.output<S>>, asked: Asked, begun: unknown): Promise<Measurement>
}

/** Declares an evaluation provider; the schema of its connection types the client of each of its functions. */
export function defineEvaluationProvider<S extends z.ZodMiniObject, P extends Omit<EvaluationProvider<S>, 'shape'>>(
  provider: P & { connection: S },
): P & { shape: 'evaluation' } {
  return { shape: 'evaluation', ...provider }
}

/** What the connection of every platform may say of its evaluations. */
export const evaluationFields = {
  slo: optional(name('Default SLO, where the platform has any, by its id or name')),
  queries: optional(queriesField('Indicators by their names, each with its query')),
  sloFile: optional(sloFileField("Objectives, in the form of Keptn's slo.yaml: its text, or the same as JSON")),
  timeframe: optional(word('Default timeframe, such as 5m')),
  dataDelay: optional(seconds(0, 86_400, 'How long it takes until what has happened can be read, such as PT2M')),
  noData: optional(choice(['errored', 'warning'], 'What comes of an objective without data: errored where left out')),
}

/** Measures service levels, and judges them: by what is loaded when used, since the call that starts a task needs none of it. */
export function requestEvaluation({
  summary,
  deadline,
}: {
  summary: string
  /** Seconds. */
  deadline: number
}): Action<EvaluationProvider, Evaluate, Read> {
  return {
    shape: 'evaluation',
    summary,
    input: requestInput,
    answers: [
      ...['result', 'score', 'scoreText', 'timeStart', 'timeEnd'],
      ...['indicatorResults', 'comparedEvents', 'errorBudget', 'url'],
      // What Keptn's own evaluation answers beside these.
      ...['sloFileContent', 'gitCommit', 'responseTime'],
    ],
    deadline,
    prepare: (asked, { connection }) => readRequest(asked, connection),
    complete: completeRequest,
    async act(provider, client, asked) {
      const { begin } = await import('./evaluate.ts')
      return begin(provider, client, asked)
    },
    follow: {
      silent: 'waits',
      async look(provider, client, asked, pending) {
        const { look } = await import('./evaluate.ts')
        return look(provider, client, asked, pending as Pending)
      },
      stop: async () => false,
      onDeadline: () => 'leave',
    },
  }
}
