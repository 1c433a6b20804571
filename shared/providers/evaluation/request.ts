import * as z from 'zod/mini'
import { Failure, type FieldError, invalidInput } from '../../errors.ts'
import type { NoData } from '../../evaluation/score.ts'
import {
  hasRelativeCriteria,
  type Objective,
  readSloFile,
  type SloFile,
  sloFileField,
} from '../../evaluation/slo-file.ts'
import { type EvaluatedTime, resolveWindow, type Timeframe } from '../../evaluation/timeframe.ts'
import { name, optional, word } from '../../fields.ts'
import type { CallEvent } from '../../orchestrators/event/event.ts'
import type { CallContext } from '../action.ts'
import { type Threshold, thresholds } from '../thresholds.ts'
import type { EvaluationProvider, MeasurementRequest } from './provider.ts'
import { fillPlaceholders, MAX_QUERIES, type Query, queriesField, requireQuery } from './queries.ts'

export const requestInput = z.strictObject({
  slo: optional(
    name(
      "SLO of the platform, by its id or name, in addition to queries. Defaults to the connection's SLO if there are no queries",
    ),
  ),
  timeframe: optional(word('Length of the period, such as 5m or PT5M: from start, up to end, or up to now')),
  start: optional(word('Start of the period, such as 2026-11-24T10:00:00Z; UTC if it has no time zone')),
  end: optional(word('End of the period. Defaults to now')),
  queries: optional(queriesField("Indicators: their names and queries, in addition to the connection's")),
  thresholds: optional(
    thresholds(
      'Limits: [{"metric":"p95","op":"<","value":500,"warn":400}]. What meets warn passes, what meets only value is a warning, everything else fails',
    ),
  ),
  sloFile: optional(sloFileField("Objectives in the format of Keptn's slo.yaml, as text or as JSON")),
})
type RequestInput = z.output<typeof requestInput>

/** An input with its SLO file, or that of the connection, parsed. */
export interface ParsedInput extends Omit<RequestInput, 'sloFile'> {
  file?: SloFile | undefined
  /** The path of the file, for messages. */
  filePath?: string
}

/** The complete input of an evaluation: JSON, stored in the task. */
export interface EvaluationRequest {
  queries: Query[]
  time: Timeframe
  /** Seconds. */
  dataDelay: number
  isSilent: boolean
  noData: NoData
  /** With neither a file nor objectives, the platform's own verdict counts. */
  file?: SloFile | undefined
  objectives?: Objective[] | undefined
  about: Pick<CallEvent['data'], 'project' | 'stage' | 'service'> & { shkeptncontext: string | undefined }
  /** Identifies the previous evaluations to compare with. */
  compareAt?: { orchestrator: string; task: string; project: string; stage: string; service: string } | undefined
}

/**
 * Parses the SLO file of the input, else that of the connection, unless the input has thresholds.
 *
 * @throws Failure `invalid`, `misconfigured`
 */
export async function parseRequestInput(
  { sloFile, ...input }: RequestInput,
  connection: Record<string, unknown>,
): Promise<ParsedInput> {
  if (sloFile !== undefined) {
    if (input.thresholds === undefined) return withFile(input, sloFile, 'input.sloFile', 'invalid')
    throw invalidInput('input.thresholds', 'cannot be combined with input.sloFile')
  }
  const file = input.thresholds === undefined ? connection['sloFile'] : undefined
  return file === undefined ? input : withFile(input, file, 'sloFile of the connection', 'misconfigured')
}

async function withFile(
  input: ParsedInput,
  file: unknown,
  path: string,
  kind: 'invalid' | 'misconfigured',
): Promise<ParsedInput> {
  return { ...input, file: await readSloFile(file, path, kind), filePath: path }
}

/**
 * Returns the input with its defaults from the connection and the event, checked.
 *
 * @throws Failure `invalid`, `misconfigured`
 */
export function completeRequest(input: ParsedInput, context: CallContext<EvaluationProvider>): EvaluationRequest {
  const { connection, provider, event } = context
  const { project, stage, service } = event.data
  const { slo = connection['slo'] as string | undefined, thresholds: limits, file } = input
  const named = [...(input.queries ?? []), ...((connection['queries'] as Query[] | undefined) ?? [])]
  const own = named.filter(({ name }, index) => named.findIndex((other) => other.name === name) === index)
  const fill = (query: Query) => fillPlaceholders(query, { project, stage, service })
  const hasSlo = slo !== undefined && (input.slo !== undefined || own.length === 0)
  // An SLO has no name but its own.
  const all = hasSlo ? [{ name: fill({ name: 'the SLO', query: slo }).query, query: slo }, ...own] : own
  if (provider.hasOwnSloFile) checkNoCriteria(provider, all, input)
  const queries = wanted(all, input).map(fill)
  check(provider, queries, input)
  if (queries.length > MAX_QUERIES)
    throw invalidInput(
      'input.queries',
      `and those of the connection must be at most ${MAX_QUERIES} (they are ${queries.length})`,
    )
  provider.checkQueries?.(queries, connection)
  const time = timeOf(input, event, connection)
  const window = resolveWindow(time, Date.now())
  provider.checkCall?.({ event, isSilent: context.silent ?? false, window }, connection)
  const { dataDelay = provider.dataDelay, noData = 'errored' } = connection as { dataDelay?: number; noData?: NoData }
  return {
    queries,
    time,
    dataDelay,
    isSilent: context.silent ?? false,
    noData,
    file,
    objectives: limits?.map(objectiveOf),
    about: { project, stage, service, shkeptncontext: event.context },
    compareAt: file && hasRelativeCriteria(file) ? comparisonSource(context) : undefined,
  }
}

/** Returns the queries that an SLO file or thresholds use, or all if there is neither. */
function wanted(all: Query[], { file, filePath, thresholds: limits, queries = [] }: ParsedInput): Query[] {
  const judged =
    file?.objectives.map(({ sli }, index) => ({ name: sli, path: `${filePath}.objectives.${index}.sli` })) ??
    limits?.map(({ metric }, index) => ({ name: metric, path: `input.thresholds.${index}.metric` }))
  if (!judged) return all
  for (const { name, path } of judged) requireQuery(all, name, path)
  const names = judged.map(({ name }) => name)
  const idle = queries.find(({ name }) => !names.includes(name))
  if (idle && !file) throw invalidInput('input.queries', `has ${idle.name}, which no threshold uses`)
  return all.filter(({ name }) => names.includes(name))
}

function checkNoCriteria({ title }: EvaluationProvider, queries: readonly Query[], input: ParsedInput): void {
  if (queries.length === 0 && !input.file && !input.thresholds) return
  throw invalidInput('input', `must not have slo, queries, thresholds or sloFile: ${title} evaluates its own SLO file`)
}

function check(
  provider: EvaluationProvider,
  queries: readonly Query[],
  { file, thresholds: limits }: ParsedInput,
): void {
  const { title, queryNoun, hasOwnSloFile, hasOwnVerdict } = provider
  if (hasOwnSloFile) return
  if (queries.length === 0) {
    throw 'slo' in provider.connection.shape
      ? invalidInput(
          'input.slo',
          `is required, because the connection has no default: send ${queryNoun}, or several by name as input.queries`,
        )
      : invalidInput('input.queries', `are required, because the connection has none. A query is ${queryNoun}`)
  }
  if (file || limits || hasOwnVerdict === true) return
  const other = queries.find(({ query }) => !hasOwnVerdict?.(query))
  if (!other) return
  const reason = hasOwnVerdict
    ? `${title} has no verdict for ${other.name}`
    : `${title} returns values without a verdict`
  throw invalidInput('input.thresholds', `or input.sloFile is required: ${reason}`)
}

/** Returns the period of the input, else that of the event: of its evaluation, or of its test. */
function timeOf(input: ParsedInput, { data }: CallEvent, connection: Record<string, unknown>): Timeframe {
  const sources = [input, data.evaluation, data.test]
  for (const source of sources) {
    const time = Object.fromEntries(
      (['start', 'end', 'timeframe'] as const).flatMap((part) => {
        const value = source?.[part]
        return typeof value === 'string' && value !== '' ? [[part, value]] : []
      }),
    )
    if (time['timeframe'] === undefined && time['start'] === undefined) continue
    if (source === input || !input.end) return time
    if (time['timeframe'] !== undefined) return { timeframe: time['timeframe'], end: input.end }
    throw invalidInput('input.end', 'needs start or timeframe, because the event has the times of its own test')
  }
  return { timeframe: connection['timeframe'] as string | undefined, end: input.end || undefined }
}

function comparisonSource({ event, orchestrator }: CallContext): NonNullable<EvaluationRequest['compareAt']> {
  const { project, stage, service } = event.data
  const missing = Object.entries({ project, stage, service }).filter(([, value]) => value === undefined)
  if (missing.length > 0 || project === undefined || stage === undefined || service === undefined) {
    const errors: FieldError[] = missing.map(([part]) => ({ path: `data.${part}`, message: 'is missing' }))
    const fields = errors.map(({ path }) => path).join(', ')
    const why = 'The SLO file compares with previous evaluations, which the event does not identify'
    throw new Failure('invalid', `${why}: send ${fields}`, { errors })
  }
  if (orchestrator !== undefined) return { orchestrator, task: event.task ?? 'evaluation', project, stage, service }
  throw new Failure(
    'misconfigured',
    'The SLO file compares with previous evaluations, but the caller has no orchestrator to read them from. Add one to the secret callers.',
  )
}

/** `{metric: 'p95', op: '<', value: 500, warn: 400}` passes under 400 and warns under 500. */
function objectiveOf({ metric, op, value, warn }: Threshold): Objective {
  const set = (limit: number) => [{ criteria: [{ text: `${op}${limit}`, operator: op, value: limit }] }]
  return {
    sli: metric,
    key_sli: false,
    weight: 1,
    pass: set(warn ?? value),
    warning: warn === undefined ? [] : set(value),
  }
}

/** Returns the request to the platform. */
export function measurementRequest({ queries, about }: EvaluationRequest, window: EvaluatedTime): MeasurementRequest {
  const length = Math.round((window.end - window.start) / 1_000)
  return {
    ...window,
    ...about,
    queries: queries.map((query) => fillPlaceholders(query, { ...about, seconds: length })),
  }
}

/** Returns when the data is available, in epoch milliseconds. */
export function dueAt({ dataDelay }: EvaluationRequest, { end }: EvaluatedTime): number {
  return end + dataDelay * 1_000
}
