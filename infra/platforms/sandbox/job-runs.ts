import type { Store } from './store.ts'

/** A run of a job at one of the platforms: what its database has, and what follows from that and the clock. */
export interface JobRun {
  /** Counts the runs of its platform, from 1. */
  number: number
  job: string
  parameters: Record<string, string>
  state: 'waiting' | 'running' | 'stopping' | Ending
  /** In epoch milliseconds; null where it has not begun, or not ended. */
  created: number
  began: number | null
  ended: number | null
}

/** `nonsense` is what each platform makes of it. */
export type Ending = 'success' | 'failure' | 'nonsense' | 'stopped'

/** The runs of one platform, which go on by the clock, also while no process is there to play it. */
export interface JobRuns {
  get(number: number): JobRun | undefined
  /** Oldest first. */
  all(): JobRun[]
  /**
   * Gives the number of the run.
   *
   * @param token the same one starts one run only
   */
  start(job: string, parameters: Record<string, string>, token?: string): number
  /** Of what has ended it changes nothing. */
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

/** How long a run waits, and takes to stop, in milliseconds. */
export const waitsFor = 500
const stopsAfter = 500

/**
 * A run works for the seconds of its parameter `seconds`, and ends as its parameter `outcome` says: well where that is left
 * out, badly where it begins with `fail`, never where it is `hang`, and with `nonsense`; with `vanish` it is gone instead.
 *
 * @param platform under which they are kept
 * @param seconds that a run works where its parameters do not say
 */
export function createJobRuns(store: Store, platform: 'databricks' | 'rundeck' | 'tool', seconds: number): JobRuns {
  const columns = 'SELECT number, job, parameters, created, stopped FROM job_runs WHERE platform = ?'

  return {
    get(number) {
      const row = store.get<Row>(`${columns} AND number = ?`, platform, number)
      return row && runOf(row, seconds)
    },

    all: () => store.all<Row>(`${columns} ORDER BY number`, platform).flatMap((row) => runOf(row, seconds) ?? []),

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

function runOf({ parameters: text, created, stopped, ...row }: Row, seconds: number): JobRun | undefined {
  const parameters: Record<string, string> = JSON.parse(text)
  const { outcome = '' } = parameters
  const now = Date.now()
  const begins = created + waitsFor
  const works = Number(parameters['seconds'] ?? seconds) || 0
  const endsByItself = outcome === 'hang' ? Number.POSITIVE_INFINITY : begins + works * 1_000
  const isStopped = stopped !== null && stopped < endsByItself
  const ends = isStopped ? stopped + stopsAfter : endsByItself
  const hasEnded = ends <= now
  if (hasEnded && !isStopped && outcome === 'vanish') return undefined
  // What is stopped while it waits never begins.
  const hasBegun = begins <= Math.min(now, stopped ?? now)
  const ending = isStopped ? 'stopped' : endingOf(outcome)
  return {
    ...row,
    parameters,
    state: hasEnded ? ending : isStopped ? 'stopping' : hasBegun ? 'running' : 'waiting',
    created,
    began: hasBegun ? begins : null,
    ended: hasEnded ? ends : null,
  }
}

function endingOf(outcome: string): Ending {
  if (/^fail/i.test(outcome)) return 'failure'
  return outcome === 'nonsense' ? 'nonsense' : 'success'
}
