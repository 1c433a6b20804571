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
import { type EvaluatedTime, formatUtc, resolveWindow } from '../../evaluation/timeframe.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import { errored } from '../../outcome.ts'
import { type Completed, completed, type PollResult, type StartedJob } from '../action.ts'
import type { Client } from '../provider.ts'
import type { EvaluationProvider } from './provider.ts'
import { dueAt, type EvaluationRequest, measurementRequest } from './request.ts'
import { evaluationOutcome, notYetEvaluated } from './verdict.ts'

/** The job state between two polls. */
export interface EvaluationJob {
  window: EvaluatedTime
  started?: unknown
}

/**
 * Starts an evaluation. For a silent call, also evaluates it if the data is available.
 *
 * @throws Failure
 */
export async function startEvaluation(
  provider: EvaluationProvider,
  client: Client,
  request: EvaluationRequest,
): Promise<Completed | StartedJob> {
  const now = Date.now()
  // A silent call gets the newest complete data.
  const until = request.isSilent ? now - request.dataDelay * 1_000 : now
  const window = resolveWindow(request.time, until)
  const started = provider.startMeasurement
    ? await provider.startMeasurement(client, measurementRequest(request, window))
    : undefined
  const job: EvaluationJob = { window, ...(started === undefined ? {} : { started }) }
  if (!request.isSilent || dueAt(request, window) > now)
    return { type: 'started', outcome: notYetEvaluated(provider, request, window), job }
  const result = await evaluate(provider, client, request, job)
  return 'outcome' in result
    ? completed(result.outcome)
    : { type: 'started', outcome: notYetEvaluated(provider, request, window, true), job: result.job }
}

/**
 * Evaluates when the data is available.
 *
 * @throws Failure if a later poll may succeed
 */
export async function getEvaluationStatus(
  provider: EvaluationProvider,
  client: Client,
  request: EvaluationRequest,
  job: EvaluationJob,
): Promise<PollResult> {
  const [due, now] = [dueAt(request, job.window), Date.now()]
  if (now < due)
    return { status: `waiting for its data until ${formatUtc(due)}`, minSeconds: Math.ceil((due - now) / 1_000) }
  try {
    return await evaluate(provider, client, request, job)
  } catch (error) {
    // Would be refused again.
    if (isTransient(error) || (error instanceof Failure && error.kind === 'credentials')) throw error
    return { outcome: errored(error) }
  }
}

async function evaluate(
  provider: EvaluationProvider,
  client: Client,
  request: EvaluationRequest,
  job: EvaluationJob,
): Promise<PollResult> {
  const { window, started } = job
  const result = await provider.measure(client, measurementRequest(request, window), started)
  if ('status' in result) {
    const { status, pollImmediately } = result
    return {
      status,
      pollImmediately,
      job: result.started === undefined ? job : { ...job, started: result.started },
    }
  }
  if ('evaluation' in result) return { outcome: evaluationOutcome(provider, result.evaluation, []) }
  const measured = result.measured.map(finite)
  const previous = request.compareAt && request.file ? await previousEvaluations(request.compareAt, request.file) : []
  const scored = score(request, measured, previous)
  const budgets = measured.flatMap(({ errorBudget }) => (errorBudget === undefined ? [] : [errorBudget]))
  const links = measured.flatMap(({ url }) => url ?? [])
  const url = result.url ?? links[0]
  const evaluation: Evaluation = {
    ...scored,
    timeStart: formatUtc(window.start),
    timeEnd: formatUtc(window.end),
    ...(request.compareAt ? { comparedEvents: previous.map(({ id }) => id) } : {}),
    ...(budgets.length > 0 ? { errorBudget: Math.min(...budgets) } : {}),
    ...(url === undefined ? {} : { url }),
  }
  const gaps =
    request.noData === 'errored' ? measured.filter((indicator) => isGap(indicator) && isJudged(indicator, request)) : []
  return { outcome: evaluationOutcome(provider, evaluation, gaps) }
}

/** Indicators without criteria are only shown. */
function isJudged({ name }: MeasuredIndicator, { file }: EvaluationRequest): boolean {
  return file === undefined || file.objectives.some(({ sli, pass }) => sli === name && pass.length > 0)
}

async function previousEvaluations(
  at: NonNullable<EvaluationRequest['compareAt']>,
  { comparison }: SloFile,
): Promise<PreviousEvaluation[]> {
  const { orchestrator, ...of } = at
  const { evaluations } = await loadOrchestrator(orchestrator, { ignoresUnknown: true })
  if (!evaluations) {
    throw new Failure(
      'misconfigured',
      `The SLO file compares with previous evaluations, which the orchestrator ${orchestrator} does not record. Use an SLO file without relative criteria.`,
    )
  }
  return evaluations({ ...of, results: resultsFor(comparison), limit: comparedCount(comparison) })
}

function score(
  { file, objectives, noData }: EvaluationRequest,
  measured: readonly MeasuredIndicator[],
  previous: readonly PreviousEvaluation[],
): Score {
  if (file) return scoreByFile(file, measured, previous, noData)
  return objectives ? scoreEach(objectives, measured, noData) : scoreByPlatform(measured, noData)
}

/** JSON and comparisons do not support NaN and infinity. */
function finite(measured: MeasuredIndicator): MeasuredIndicator {
  const { value, message } = measured
  if (value === undefined || Number.isFinite(value)) return measured
  return { ...measured, value: undefined, message: [`the value is ${value}`, message].filter(Boolean).join('; ') }
}
