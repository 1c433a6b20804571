import { Failure, isTransient } from '../../errors.ts'
import type { Evaluation } from '../../evaluation/evaluation.ts'
import { type Earlier, resultsFor } from '../../evaluation/previous-evaluations.ts'
import { isGap, type Measured, type Scored, scoreByFile, scoreByPlatform, scoreEach } from '../../evaluation/score.ts'
import { comparedCount, type SloFile } from '../../evaluation/slo-file.ts'
import { utc, type Window, windowOf } from '../../evaluation/timeframe.ts'
import { loadOrchestrator } from '../../orchestrators/orchestrator.ts'
import { errored, type Outcome } from '../../outcome.ts'
import type { PollResult, StartedJob } from '../action.ts'
import type { Client } from '../provider.ts'
import type { EvaluationProvider } from './provider.ts'
import { dueAt, type Evaluate, requested } from './request.ts'
import { notYet, outcomeOf } from './verdict.ts'

/** What is kept from one look to the next. */
export interface Pending {
  window: Window
  begun?: unknown
}

/**
 * Begins an evaluation, and ends it at once where the call is answered at once and the data is there.
 *
 * @throws Failure
 */
export async function begin(
  provider: EvaluationProvider,
  client: Client,
  asked: Evaluate,
): Promise<Outcome | StartedJob> {
  const now = Date.now()
  // Whoever waits for the answer gets the newest data that is whole.
  const until = asked.silent ? now - asked.dataDelay * 1_000 : now
  const window = windowOf(asked.time, until)
  const begun = provider.startMeasurement
    ? await provider.startMeasurement(client, requested(asked, window))
    : undefined
  const pending: Pending = { window, ...(begun === undefined ? {} : { begun }) }
  if (!asked.silent || dueAt(asked, window) > now) return { outcome: notYet(provider, asked, window), job: pending }
  const seen = await evaluate(provider, client, asked, pending)
  return 'outcome' in seen ? seen.outcome : { outcome: notYet(provider, asked, window, true), job: seen.job }
}

/**
 * Evaluates once the data is there.
 *
 * @throws Failure of what may go away by itself
 */
export async function look(
  provider: EvaluationProvider,
  client: Client,
  asked: Evaluate,
  pending: Pending,
): Promise<PollResult> {
  const [due, now] = [dueAt(asked, pending.window), Date.now()]
  if (now < due) return { status: `waiting for its data until ${utc(due)}`, minSeconds: Math.ceil((due - now) / 1_000) }
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
  asked: Evaluate,
  pending: Pending,
): Promise<PollResult> {
  const { window, begun } = pending
  const seen = await provider.measure(client, requested(asked, window), begun)
  if ('status' in seen) {
    const { status: running, pollImmediately: soon } = seen
    return {
      status: running,
      pollImmediately: soon,
      job: seen.begun === undefined ? pending : { ...pending, begun: seen.begun },
    }
  }
  if ('evaluation' in seen) return { outcome: outcomeOf(provider, seen.evaluation, []) }
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
  return { outcome: outcomeOf(provider, evaluation, gaps) }
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
