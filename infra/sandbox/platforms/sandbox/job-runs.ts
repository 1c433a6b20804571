import { addOpenRun } from './notifications/open-runs.ts'
import type { Store } from './store.ts'

/** A run of a job. Its state follows from the stored times and the clock. */
export interface JobRun {
  /** Counts the runs of its platform, from 1. */
  number: number
  job: string
  parameters: Record<string, string>
  state: 'waiting' | 'running' | 'stopping' | Ending
  /** Epoch milliseconds; null until they are reached. */
  created: number
  started: number | null
  ended: number | null
}

/** The meaning of `nonsense` depends on the platform. */
export type Ending = 'success' | 'failure' | 'nonsense' | 'stopped'

/** The runs of one platform. They continue while the sandbox is down. */
export interface JobRuns {
  get(number: number): JobRun | undefined
  /** Oldest first. */
  all(): JobRun[]
  /**
   * Starts a run and returns its number.
   *
   * @param token starts one run only
   */
  start(job: string, parameters: Record<string, string>, token?: string): number
  /** Stops a run, unless it has ended. */
  stop(run: Pick<JobRun, 'number'>): void
}

interface StoredRun extends Pick<JobRun, 'number' | 'job' | 'parameters' | 'created'> {
  stopped: number | null
}

/** The duration of the phases before and after the work of a run, in milliseconds. */
export const WAITING_MS = 500
const STOPPING_MS = 500

/**
 * A run takes the number of seconds in its parameter `seconds`. Its parameter `outcome` determines the end: success by
 * default, failure if it starts with `fail`, none if it is `hang`, or `nonsense`. A run with `vanish` disappears.
 *
 * @param seconds the default duration
 * @param timeScale divides all durations
 */
export function createJobRuns(
  store: Store,
  platform: 'databricks' | 'rundeck' | 'tool',
  seconds: number,
  timeScale: number,
): JobRuns {
  const runs = store.collection<StoredRun>(`${platform}.runs`)
  const runAt = (run: StoredRun) => runOf(run, seconds, timeScale)

  return {
    get(number) {
      const run = runs.get(number)
      return run && runAt(run)
    },

    all: () => runs.list().flatMap((run) => runAt(run) ?? []),

    start(job, parameters, token) {
      const [earlier] = token === undefined ? [] : runs.list(token)
      if (earlier) return earlier.number
      const number = runs.next()
      runs.put(number, { number, job, parameters, created: Date.now(), stopped: null }, token)
      // The generic API sends no notifications.
      if (platform !== 'tool') addOpenRun(store, platform, number)
      return number
    },

    stop({ number }) {
      if (runs.get(number)?.stopped === null) runs.change(number, { stopped: Date.now() })
    },
  }
}

function runOf(
  { number, job, parameters, created, stopped }: StoredRun,
  seconds: number,
  timeScale: number,
): JobRun | undefined {
  const { outcome = '' } = parameters
  const now = Date.now()
  const starts = created + WAITING_MS / timeScale
  const works = Number(parameters['seconds'] ?? seconds) || 0
  const endsByItself = outcome === 'hang' ? Number.POSITIVE_INFINITY : starts + (works * 1_000) / timeScale
  const isStopped = stopped !== null && stopped < endsByItself
  const ends = isStopped ? stopped + STOPPING_MS / timeScale : endsByItself
  const hasEnded = ends <= now
  if (hasEnded && !isStopped && outcome === 'vanish') return undefined
  // A run that is stopped while it waits never starts.
  const hasStarted = starts <= Math.min(now, stopped ?? now)
  const ending = isStopped ? 'stopped' : endingOf(outcome)
  return {
    number,
    job,
    parameters,
    state: hasEnded ? ending : isStopped ? 'stopping' : hasStarted ? 'running' : 'waiting',
    created,
    started: hasStarted ? starts : null,
    ended: hasEnded ? ends : null,
  }
}

function endingOf(outcome: string): Ending {
  if (/^fail/i.test(outcome)) return 'failure'
  return outcome === 'nonsense' ? 'nonsense' : 'success'
}
