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

interface Row {
  number: number
  job: string
  parameters: string
  created: number
  stopped: number | null
}

const newest = 'SELECT max(number) AS newest FROM job_runs WHERE platform = ?'

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
  const columns = 'SELECT number, job, parameters, created, stopped FROM job_runs WHERE platform = ?'

  return {
    get(number) {
      const row = store.get<Row>(`${columns} AND number = ?`, platform, number)
      return row && runOf(row, seconds, timeScale)
    },

    all: () =>
      store.all<Row>(`${columns} ORDER BY number`, platform).flatMap((row) => runOf(row, seconds, timeScale) ?? []),

    start(job, parameters, token) {
      const earlier = token && store.get<Row>(`${columns} AND token = ?`, platform, token)
      if (earlier) return earlier.number
      const number = 1 + (store.get<{ newest: number }>(newest, platform)?.newest ?? 0)
      const values = [platform, number, job, JSON.stringify(parameters), token ?? null, Date.now()]
      store.run(
        'INSERT INTO job_runs (platform, number, job, parameters, token, created) VALUES (?, ?, ?, ?, ?, ?)',
        ...values,
      )
      return number
    },

    stop({ number }) {
      const sql = 'UPDATE job_runs SET stopped = coalesce(stopped, ?) WHERE platform = ? AND number = ?'
      store.run(sql, Date.now(), platform, number)
    },
  }
}

function runOf(
  { parameters: text, created, stopped, ...row }: Row,
  seconds: number,
  timeScale: number,
): JobRun | undefined {
  const parameters: Record<string, string> = JSON.parse(text)
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
    ...row,
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
