import { Failure, isTransient } from '../../errors.ts'
import type { Evaluation } from '../../evaluation/evaluation.ts'
import { type PreviousEvaluation, resultsFor } from '../../evaluation/previous-evaluations.ts'
import {
  isGap,
  type MeasuredIndicator,
  type Score,
  scoreByFile,
  scoreByPlatform,
  scoreEach,
} from '../../evaluation/score.ts'
import { comparedCount, type SloFile } from '../../evaluation/slo-file.ts'
import { formatUtc, resolveWindow, type Window } from '../../evaluation/timeframe.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import { errored, type Outcome } from '../../outcome.ts'
import type { PollResult, StartedJob } from '../action.ts'
import type { Client } from '../provider.ts'
import type { EvaluationProvider } from './provider.ts'
import { dueAt, type EvaluationRequest, measurementRequest } from './request.ts'
import { evaluationOutcome, notYetEvaluated } from './verdict.ts'

/** What is kept from one look to the next. */
export interface EvaluationJob {
  window: Window
  started?: unknown
}

/**
 * Begins an evaluation, and ends it at once where the call is answered at once and the data is there.
 *
 * @throws Failure
 */
export async function startEvaluation(
  provider: EvaluationProvider,
  client: Client,
  asked: EvaluationRequest,
): Promise<Outcome | StartedJob> {
  const now = Date.now()
  // Whoever waits for the answer gets the newest data that is whole.
  const until = asked.isSilent ? now - asked.dataDelay * 1_000 : now
  const window = resolveWindow(asked.time, until)
  const begun = provider.startMeasurement
    ? await provider.startMeasurement(client, measurementRequest(asked, window))
    : undefined
  const pending: EvaluationJob = { window, ...(begun === undefined ? {} : { started: begun }) }
  if (!asked.isSilent || dueAt(asked, window) > now)
    return { outcome: notYetEvaluated(provider, asked, window), job: pending }
  const seen = await evaluate(provider, client, asked, pending)
  return 'outcome' in seen ? seen.outcome : { outcome: notYetEvaluated(provider, asked, window, true), job: seen.job }
}

/**
 * Evaluates once the data is there.
 *
 * @throws Failure of what may go away by itself
 */
export async function getEvaluationStatus(
  provider: EvaluationProvider,
  client: Client,
  asked: EvaluationRequest,
  pending: EvaluationJob,
): Promise<PollResult> {
  const [due, now] = [dueAt(asked, pending.window), Date.now()]
  if (now < due)
    return { status: `waiting for its data until ${formatUtc(due)}`, minSeconds: Math.ceil((due - now) / 1_000) }
  try {
    return await evaluate(provider, client, asked, pending)
  } catch (error) {
    // What is refused will be refused again.
    if (isTransient(error) || (error instanceof Failure && error.kind === 'credentials')) throw error
    return { outcome: errored(error) }
  }
}

async function evaluate(
  provider: EvaluationProvider,
  client: Client,
  asked: EvaluationRequest,
  pending: EvaluationJob,
): Promise<PollResult> {
  const { window, started } = pending
  const seen = await provider.measure(client, measurementRequest(asked, window), started)
  if ('status' in seen) {
    const { status: running, pollImmediately: soon } = seen
    return {
      status: running,
      pollImmediately: soon,
      job: seen.started === undefined ? pending : { ...pending, started: seen.started },
    }
  }
  if ('evaluation' in seen) return { outcome: evaluationOutcome(provider, seen.evaluation, []) }
  const measured = seen.measured.map(finite)
  const earlier = asked.compareAt && asked.file ? await earlierEvaluations(asked.compareAt, asked.file) : []
  const scored = score(asked, measured, earlier)
  const budgets = measured.flatMap(({ errorBudget }) => (errorBudget === undefined ? [] : [errorBudget]))
  const links = measured.flatMap(({ url }) => url ?? [])
  const url = seen.url ?? links[0]
  const evaluation: Evaluation = {
    ...scored,
    timeStart: formatUtc(window.start),
    timeEnd: formatUtc(window.end),
    ...(asked.compareAt ? { comparedEvents: earlier.map(({ id }) => id) } : {}),
    ...(budgets.length > 0 ? { errorBudget: Math.min(...budgets) } : {}),
    ...(url === undefined ? {} : { url }),
  }
  const gaps = asked.noData === 'errored' ? measured.filter((one) => isGap(one) && isJudged(one, asked)) : []
  return { outcome: evaluationOutcome(provider, evaluation, gaps) }
}

/** What has no criteria is only shown. */
function isJudged({ name }: MeasuredIndicator, { file }: EvaluationRequest): boolean {
  return file === undefined || file.objectives.some(({ sli, pass }) => sli === name && pass.length > 0)
}

async function earlierEvaluations(
  at: NonNullable<EvaluationRequest['compareAt']>,
  { comparison }: SloFile,
): Promise<PreviousEvaluation[]> {
  const { orchestrator, ...of } = at
  const { evaluations } = await loadOrchestrator(orchestrator)
  return evaluations({ ...of, results: resultsFor(comparison), limit: comparedCount(comparison) })
}

function score(
  { file, objectives, noData }: EvaluationRequest,
  measured: readonly MeasuredIndicator[],
  earlier: readonly PreviousEvaluation[],
): Score {
  if (file) return scoreByFile(file, measured, earlier, noData)
  return objectives ? scoreEach(objectives, measured, noData) : scoreByPlatform(measured, noData)
}

/** Neither JSON nor any comparison has NaN or infinity. */
function finite(measured: MeasuredIndicator): MeasuredIndicator {
  const { value, message } = measured
  if (value === undefined || Number.isFinite(value)) return measured
  return { ...measured, value: undefined, message: [`the value is ${value}`, message].filter(Boolean).join('; ') }
}
