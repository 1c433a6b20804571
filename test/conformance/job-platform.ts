import type { Served } from '../../infra/testing/loopback-server.ts'

/** A fake platform of jobs, and what a test does with it. */
export interface PlayedJobs<S extends Served = Served> {
  server: S
  /** The secret of the connection, without the name of the provider. */
  connection: Record<string, unknown>
  /** The input of a start. */
  input: Record<string, unknown>
  /** How many runs were started. */
  runs(): number
  /** The id of the newest run, as stop accepts it. */
  id(): string
  /** Lets the newest run start. It runs until `end`. */
  letStart(): unknown
  /** Puts the newest run into a state, as the provider names it. */
  enter(state: string): unknown
  /** Ends the newest run, successfully if the platform has no other end. */
  end(): unknown
  /** Lets a requested stop of the newest run take effect. Returns whether the run has stopped. */
  finishStop(): boolean
}

/** The differences between job platforms. */
export interface JobPlatform<S extends Served = Served> {
  /** Matches the request that starts a run: `POST /path`, or an AWS operation. */
  starts: RegExp
  /** The status of the task when the run ends, if it is not `succeeded`. */
  ends?: 'aborted'
  /** The status of the task of a run that was stopped, if it is not `aborted`. */
  stops?: 'succeeded'
  /** Seconds after which the state of a new run is reliable. */
  reliableAfter?: number
  /** Why the times of a run are those of its task: the platform does not report both. */
  ownTimes?: string
  /** A run gets another id when it leaves the queue. */
  changesId?: true
  /** It can be stopped only after it has started. */
  stopsLate?: true
  /**
   * The result of a retry after a run was stopped before its start response. Defaults to the run.
   * `forgotten`: nothing is left of the run, so the retry starts another one.
   */
  stoppedAtStart?: 'unknown' | 'forgotten'
  start(): Promise<PlayedJobs<S>>
}
