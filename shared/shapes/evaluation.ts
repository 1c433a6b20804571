import type * as z from 'zod/mini'
import { Failure, isTransient } from '../errors.ts'
import type { CallEvent } from '../event/event.ts'
import { choice, name, optional, seconds, word } from '../fields.ts'
import type { Action, Begun, Look } from '../function/category.ts'
import type { Client, Provider } from '../function/provider.ts'
import { loadOrchestrator } from '../orchestrators/orchestrator.ts'
import { errored } from '../outcome.ts'
import { type Earlier, resultsFor } from '../slo/earlier.ts'
import type { Evaluation } from '../slo/evaluation.ts'
import { type Query, queriesField } from '../slo/queries.ts'
import {
  completeRequest,
  dueAt,
  type Evaluate,
  type Read,
  readRequest,
  requested,
  requestInput,
} from '../slo/request.ts'
import { isGap, type Measured, type Scored, scoreByFile, scoreByPlatform, scoreEach } from '../slo/score.ts'
import { comparedCount, type SloFile, sloFileField } from '../slo/slo-file.ts'
import { utc, type Window, windowOf } from '../slo/timeframe.ts'
import { notYet, outcomeOf } from '../slo/verdict.ts'

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

/** What is kept from one look to the next. */
interface Pending {
  window: Window
  begun?: unknown
}

/** Measures service levels, and judges them. */
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
      ...['result', 'score', 'timeStart', 'timeEnd', 'indicatorResults', 'comparedEvents', 'errorBudget', 'url'],
      // What Keptn's own evaluation answers beside these.
      ...['sloFileContent', 'gitCommit', 'responseTime'],
    ],
    deadline,
    prepare: (asked, { connection }) => readRequest(asked, connection),
    complete: completeRequest,
    async act(provider, client, asked) {
      const now = Date.now()
      // Whoever waits for the answer gets the newest data that is whole.
      const until = asked.silent ? now - asked.dataDelay * 1_000 : now
      const window = windowOf(asked.time, until)
      const begun = provider.begin ? await provider.begin(client, requested(asked, window)) : undefined
      const pending: Pending = { window, ...(begun === undefined ? {} : { begun }) }
      if (!asked.silent || dueAt(asked, window) > now) {
        return { outcome: notYet(provider, asked, window), pending } satisfies Begun
      }
      const seen = await evaluate(provider, client, asked, pending)
      if ('ended' in seen) return seen.ended
      return { outcome: notYet(provider, asked, window, true), pending: seen.pending } satisfies Begun
    },
    follow: {
      silent: 'waits',
      async look(provider, client, asked, pending) {
        const { window } = pending as Pending
        const [due, now] = [dueAt(asked, window), Date.now()]
        if (now < due)
          return { running: `waiting for its data until ${utc(due)}`, after: Math.ceil((due - now) / 1_000) }
        try {
          return await evaluate(provider, client, asked, pending as Pending)
        } catch (error) {
          // What is refused will be refused again.
          if (isTransient(error) || (error instanceof Failure && error.kind === 'credentials')) throw error
          return { ended: errored(error) }
        }
      },
      stop: async () => false,
      onDeadline: () => 'leave',
    },
  }
}

async function evaluate(
  provider: EvaluationProvider,
  client: Client,
  asked: Evaluate,
  pending: Pending,
): Promise<Look> {
  const { window, begun } = pending
  const seen = await provider.measure(client, requested(asked, window), begun)
  if ('running' in seen) {
    const { running, soon } = seen
    return { running, soon, pending: seen.begun === undefined ? pending : { ...pending, begun: seen.begun } }
  }
  if ('evaluation' in seen) return { ended: outcomeOf(provider, seen.evaluation, []) }
  const measured = seen.measured.map(finite)
  const earlier = asked.compareAt && asked.file ? await earlierEvaluations(asked.compareAt, asked.file) : []
  const scored = score(asked, measured, earlier)
  const budgets = measured.flatMap(({ errorBudget }) => (errorBudget === undefined ? [] : [errorBudget]))
  const links = measured.flatMap(({ url }) => url ?? [])
  const url = seen.url ?? links[0]
  const evaluation: Evaluation = {
    ...scored,
    timeStart: utc(window.start),
    timeEnd: utc(window.end),
    ...(asked.compareAt ? { comparedEvents: earlier.map(({ id }) => id) } : {}),
    ...(budgets.length > 0 ? { errorBudget: Math.min(...budgets) } : {}),
    ...(url === undefined ? {} : { url }),
  }
  const gaps = asked.noData === 'errored' ? measured.filter((one) => isGap(one) && isJudged(one, asked)) : []
  return { ended: outcomeOf(provider, evaluation, gaps) }
}

/** What has no criteria is only shown. */
function isJudged({ name }: Measured, { file }: Evaluate): boolean {
  return file === undefined || file.objectives.some(({ sli, pass }) => sli === name && pass.length > 0)
}

async function earlierEvaluations(at: NonNullable<Evaluate['compareAt']>, { comparison }: SloFile): Promise<Earlier[]> {
  const { orchestrator, ...of } = at
  const { evaluations } = await loadOrchestrator(orchestrator)
  return evaluations({ ...of, results: resultsFor(comparison), most: comparedCount(comparison) })
}

function score(
  { file, objectives, noData }: Evaluate,
  measured: readonly Measured[],
  earlier: readonly Earlier[],
): Scored {
  if (file) return scoreByFile(file, measured, earlier, noData)
  return objectives ? scoreEach(objectives, measured, noData) : scoreByPlatform(measured, noData)
}

/** Neither JSON nor any comparison has NaN or infinity. */
function finite(measured: Measured): Measured {
  const { value, message } = measured
  if (value === undefined || Number.isFinite(value)) return measured
  return { ...measured, value: undefined, message: [`the value is ${value}`, message].filter(Boolean).join('; ') }
}
