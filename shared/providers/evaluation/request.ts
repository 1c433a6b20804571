import * as z from 'zod/mini'
import { Failure, type FieldError } from '../../errors.ts'
import type { NoData } from '../../evaluation/score.ts'
import {
  hasRelativeCriteria,
  type Objective,
  readSloFile,
  type SloFile,
  sloFileField,
} from '../../evaluation/slo-file.ts'
import { resolveWindow, type Timeframe, type Window } from '../../evaluation/timeframe.ts'
import { name, optional, word } from '../../fields.ts'
import type { CallEvent } from '../../orchestrators/keptn/event.ts'
import type { CallContext } from '../action.ts'
import { type Threshold, thresholds } from '../thresholds.ts'
import type { EvaluationProvider, MeasurementRequest } from './provider.ts'
import { fillPlaceholders, MAX_QUERIES, type Query, queriesField, requireQuery } from './queries.ts'

export const requestInput = z.strictObject({
  slo: optional(name("One SLO of the platform, by its id or name; the connection's default where left out")),
  timeframe: optional(word('How much time is evaluated, such as 5m or PT5M; up to now, or from start, or up to end')),
  start: optional(word('From when, such as 2026-11-24T10:00:00Z; in UTC where it names no zone')),
  end: optional(word('Until when')),
  queries: optional(queriesField("Indicators by their names, each with its query; beside the connection's own")),
  thresholds: optional(thresholds('What must hold: [{"metric":"p95","op":"<","value":500,"warn":400}]')),
  sloFile: optional(sloFileField("Objectives, in the form of Keptn's slo.yaml: its text, or the same as JSON")),
})
type Given = z.output<typeof requestInput>

/** An input whose SLO file, or else that of the connection, is read. */
export interface ParsedInput extends Omit<Given, 'sloFile'> {
  file?: SloFile | undefined
  /** Where it stands, for messages. */
  fileAt?: string
}

/** What is kept of a call until its evaluation is made: JSON. */
export interface EvaluationRequest {
  queries: Query[]
  time: Timeframe
  /** Seconds. */
  dataDelay: number
  /** Whether it has to be answered at once. */
  isSilent: boolean
  noData: NoData
  /** By what it is judged; by the platform where there is neither. */
  file?: SloFile | undefined
  objectives?: Objective[] | undefined
  about: Pick<CallEvent['data'], 'project' | 'stage' | 'service'> & Pick<CallEvent, 'shkeptncontext'>
  /** Where earlier evaluations are read back from, and of which task. */
  compareAt?: { orchestrator: string; task: string; project: string; stage: string; service: string } | undefined
}

/**
 * Reads the SLO file: the input's, else the connection's, unless thresholds are asked for.
 *
 * @throws Failure `invalid`, `misconfigured`
 */
export async function readRequest(
  { sloFile, ...asked }: Given,
  connection: Record<string, unknown>,
): Promise<ParsedInput> {
  if (sloFile !== undefined) {
    if (asked.thresholds === undefined) return withFile(asked, sloFile, 'input.sloFile', 'invalid')
    throw invalid('input.thresholds', 'are one too many beside an sloFile: leave one of the two out')
  }
  const own = asked.thresholds === undefined ? connection['sloFile'] : undefined
  return own === undefined ? asked : withFile(asked, own, 'sloFile of the connection', 'misconfigured')
}

async function withFile(
  asked: ParsedInput,
  file: unknown,
  at: string,
  kind: 'invalid' | 'misconfigured',
): Promise<ParsedInput> {
  return { ...asked, file: await readSloFile(file, at, kind), fileAt: at }
}

/**
 * What is to be evaluated: the input, completed by connection and event, with everything checked that can be.
 *
 * @throws Failure `invalid`, `misconfigured`
 */
export function completeRequest(given: ParsedInput, from: CallContext<EvaluationProvider>): EvaluationRequest {
  const { connection, provider, event } = from
  const { project, stage, service } = event.data
  const { slo = connection['slo'] as string | undefined, thresholds: limits, file } = given
  const named = [...(given.queries ?? []), ...((connection['queries'] as Query[] | undefined) ?? [])]
  const own = named.filter(({ name }, at) => named.findIndex((other) => other.name === name) === at)
  const all =
    slo !== undefined && (given.slo !== undefined || own.length === 0) ? [{ name: slo, query: slo }, ...own] : own
  if (provider.hasOwnSloFile) refuseJudgement(provider, all, given)
  const queries = wanted(all, given).map((query) => fillPlaceholders(query, { project, stage, service }))
  check(provider, queries, given)
  if (queries.length > MAX_QUERIES)
    throw invalid('input.queries', `and those of the connection are ${queries.length}, and ${MAX_QUERIES} are the most`)
  provider.checkQueries?.(queries, connection)
  const time = timeOf(given, event, connection)
  const window = resolveWindow(time, Date.now())
  provider.checkCall?.({ event, isSilent: from.silent ?? false, window }, connection)
  const { dataDelay = provider.dataDelay, noData = 'errored' } = connection as { dataDelay?: number; noData?: NoData }
  return {
    queries,
    time,
    dataDelay,
    isSilent: from.silent ?? false,
    noData,
    file,
    objectives: limits?.map(objectiveOf),
    about: { project, stage, service, shkeptncontext: event.shkeptncontext },
    compareAt: file && hasRelativeCriteria(file) ? compareAt(from) : undefined,
  }
}

/** Of what there is to ask for only what is judged: an SLO file or thresholds say what that is. */
function wanted(all: Query[], { file, fileAt, thresholds: limits, queries = [] }: ParsedInput): Query[] {
  const judged =
    file?.objectives.map(({ sli }, at) => ({ name: sli, path: `${fileAt}.objectives.${at}.sli` })) ??
    limits?.map(({ metric }, at) => ({ name: metric, path: `input.thresholds.${at}.metric` }))
  if (!judged) return all
  for (const { name, path } of judged) requireQuery(all, name, path)
  const names = judged.map(({ name }) => name)
  const idle = queries.find(({ name }) => !names.includes(name))
  if (idle && !file) throw invalid('input.queries', `has ${idle.name}, which no threshold judges`)
  return all.filter(({ name }) => names.includes(name))
}

function refuseJudgement({ title }: EvaluationProvider, queries: readonly Query[], given: ParsedInput): void {
  if (queries.length === 0 && !given.file && !given.thresholds) return
  throw invalid('input', `must leave out slo, queries, thresholds and sloFile: ${title} judges by its own SLO file`)
}

function check(
  provider: EvaluationProvider,
  queries: readonly Query[],
  { file, thresholds: limits }: ParsedInput,
): void {
  const { title, queryNoun, hasOwnSloFile } = provider
  if (hasOwnSloFile) return
  if (queries.length === 0)
    throw invalid(
      'input.queries',
      `are missing, and the connection has none: name what to ask for, each by ${queryNoun}`,
    )
  if (!file && !limits && !provider.hasOwnVerdict)
    throw invalid('input.thresholds', `are missing, and there is no sloFile: ${title} gives values, and no verdict`)
}

/** As the caller says; else as the event says: what it wants evaluated, or when its test ran. */
function timeOf(given: ParsedInput, { data }: CallEvent, connection: Record<string, unknown>): Timeframe {
  const sources = [given, data.evaluation, data.test]
  for (const source of sources) {
    const time = Object.fromEntries(
      (['start', 'end', 'timeframe'] as const).flatMap((part) => {
        const value = source?.[part]
        return typeof value === 'string' && value !== '' ? [[part, value]] : []
      }),
    )
    if (time['timeframe'] === undefined && time['start'] === undefined) continue
    if (source === given || !given.end) return time
    if (time['timeframe'] !== undefined) return { timeframe: time['timeframe'], end: given.end }
    throw invalid(
      'input.end',
      'does not say since when, and the event says when its test ran: write start or timeframe, too',
    )
  }
  return { timeframe: connection['timeframe'] as string | undefined, end: given.end || undefined }
}

function compareAt({ event, orchestrator }: CallContext): NonNullable<EvaluationRequest['compareAt']> {
  const { project, stage, service } = event.data
  const missing = Object.entries({ project, stage, service }).filter(([, value]) => value === undefined)
  if (missing.length > 0 || project === undefined || stage === undefined || service === undefined) {
    const errors: FieldError[] = missing.map(([part]) => ({ path: `data.${part}`, message: 'is missing' }))
    const what = errors.map(({ path }) => path).join(', ')
    const why = 'The SLO file compares with earlier evaluations, and the event does not say of what'
    throw new Failure('invalid', `${why}: send ${what}`, { errors })
  }
  if (orchestrator !== undefined) return { orchestrator, task: event.task ?? 'evaluation', project, stage, service }
  throw new Failure(
    'misconfigured',
    'The SLO file compares with earlier evaluations, and the caller has no orchestrator to read them from: add one to the secret callers.',
  )
}

/** `{metric: 'p95', op: '<', value: 500, warn: 400}`: under 400 passes, under 500 warns, the rest fails. */
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

/** What the platform is asked for. */
export function measurementRequest({ queries, about }: EvaluationRequest, window: Window): MeasurementRequest {
  const length = Math.round((window.end - window.start) / 1_000)
  return {
    ...window,
    ...about,
    queries: queries.map((query) => fillPlaceholders(query, { ...about, seconds: length })),
  }
}

/** When its data can be read, in epoch milliseconds. */
export function dueAt({ dataDelay }: EvaluationRequest, { end }: Window): number {
  return end + dataDelay * 1_000
}

function invalid(path: string, message: string): Failure {
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}
