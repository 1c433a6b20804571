import { worstResult } from '../evaluation/evaluation.ts'
import { type Outcome, passed } from '../outcome.ts'
import { slug } from '../text/slug.ts'
import type { JobProgress, PollResult } from './action.ts'
import type { JobProvider, Run, RunStatus, StartJob, Verdict } from './job.ts'
import { checkThresholds, describeThreshold } from './thresholds.ts'

/** Returns the outcome of a silent call that does not see the end of its run. It is a warning if the call would wait. */
export function startedOutcome(provider: JobProvider, run: Run, silent: 'waits' | 'answers'): Outcome {
  const message = `Started ${describeRun(provider, run)}${run.summary ? `: ${run.summary}` : ''}`
  const data = {
    id: run.id,
    ...(run.url ? { url: run.url } : {}),
    state: 'started',
    ...(run.startedAt === undefined ? {} : { start: timestamp(run.startedAt) }),
  }
  const started = passed(message, data, linksTo(provider, run))
  if (silent === 'answers') return started
  return { ...started, result: 'warning', message: `${message}. It is still running: use mode=interactive to wait` }
}

/** Returns the outcome of a stop. */
export function stoppedOutcome(provider: JobProvider, run: Run, { state }: RunStatus, message: string): Outcome {
  return passed(message, { id: run.id, ...(run.url ? { url: run.url } : {}), state }, linksTo(provider, run))
}

/** Returns the outcome of a run that has ended, or its progress. */
export function pollResult(provider: JobProvider, input: StartJob, run: Run, status: RunStatus): PollResult {
  const verdict = verdictOfState(provider, status)
  const { startedAt } = run
  const current = status.run && startedAt !== undefined ? { ...status.run, startedAt } : status.run
  if (verdict === undefined || verdict === 'running')
    return { ...progressOf({ ...status, run: current }, verdict), wakeId: current && wakeIdOf(provider, current) }
  return { outcome: endedOutcome(provider, input, current ?? run, status, verdict) }
}

/** Returns the id by which notifications name a run. */
export function wakeIdOf({ notifiedBy }: JobProvider, run: Run): string | undefined {
  return run.wakeId ?? (notifiedBy ? notifiedBy.wakeId(run) : run.id)
}

/** Returns the meaning of a state; undefined if the provider does not list it. */
export function verdictOfState(
  { states }: Pick<JobProvider, 'states'>,
  { state, verdict }: RunStatus,
): Verdict | undefined {
  return verdict ?? (Object.hasOwn(states, state) ? states[state] : undefined)
}

export function progressOf(
  { state, progress, run, pollImmediately, maxSeconds }: RunStatus,
  verdict: 'running' | undefined,
): JobProgress {
  return {
    status: verdict ? state : `${state} (unknown state)`,
    progress,
    job: run,
    pollImmediately,
    maxSeconds,
  }
}

const RESULTS: Record<Exclude<Verdict, 'running'>, Pick<Outcome, 'status' | 'result'>> = {
  pass: { status: 'succeeded', result: 'pass' },
  warning: { status: 'succeeded', result: 'warning' },
  fail: { status: 'succeeded', result: 'fail' },
  errored: { status: 'errored', result: 'fail' },
  aborted: { status: 'aborted', result: 'fail' },
}

function endedOutcome(
  provider: JobProvider,
  { thresholds = [] }: StartJob,
  run: Run,
  runStatus: RunStatus,
  verdict: Exclude<Verdict, 'running'>,
): Outcome {
  const { state, reason, data = {}, links = {}, metrics = {} } = runStatus
  const { status, result } = RESULTS[verdict]
  const { duration, ...times } = timesOf(run, runStatus)
  const measured: Record<string, number> = duration === undefined ? {} : { duration }
  const checked = status === 'succeeded' ? checkThresholds(thresholds, { ...measured, ...metrics }) : []
  const missed = checked.filter((threshold) => threshold.result !== 'pass').map(describeThreshold)
  const reasons = [reason, ...missed].filter(Boolean).join('; ')
  return {
    status,
    result: worstResult([result, ...checked.map((threshold) => threshold.result)]),
    message: `${capitalize(describeRun(provider, run))} ended as ${state}${reasons ? `: ${reasons}` : ''}`,
    data: {
      id: run.id,
      ...(run.url ? { url: run.url } : {}),
      state,
      ...times,
      ...measured,
      ...data,
      ...(checked.length > 0 ? { thresholds: checked } : {}),
    },
    links: { ...linksTo(provider, run), ...links },
  }
}

interface Times {
  start?: string
  end: string
  /** Seconds without a fraction, by the platform's clock. */
  duration?: number
}

/**
 * Returns the period that a later evaluation covers: lighthouse-service reads `start` and `end` of `data.test`.
 * Call it inside a step, so that a replay reads the recorded times.
 */
function timesOf({ startedAt }: Run, { period }: RunStatus): Times {
  const start = epochMs(period?.start)
  const end = epochMs(period?.end)
  if (start <= end) return { start: timestamp(start), end: timestamp(end), duration: Math.round((end - start) / 1_000) }
  return { ...(startedAt === undefined ? {} : { start: timestamp(startedAt) }), end: timestamp(Date.now()) }
}

function epochMs(time: Date | number | string | null | undefined): number {
  return new Date(time ?? Number.NaN).getTime()
}

/** RFC 3339, in UTC. */
function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

export function describeRun({ noun }: JobProvider, { id }: Run): string {
  return `${noun} ${id}`
}

function linksTo({ title }: JobProvider, { id, url }: Run): Record<string, string> {
  return url ? { [`${slug(title)} ${id}`]: url } : {}
}

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
