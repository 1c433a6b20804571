import type { Served } from '../../../infra/testing/loopback-server.ts'
import type { Failure } from '../../../shared/errors.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import type { Change, CommonOptions } from '../common/options.ts'

/** Changes of the input and of the connection of a start. */
interface StartFields {
  input?: object
  connection?: object
}

/** A start that is refused before a request is sent. */
export interface RefusedInput extends StartFields {
  /** Names the mistake. */
  name: string
  /** A part of the message of the failure. */
  message: string
}

export interface JobOptions<S extends Served> extends CommonOptions<S> {
  /** Every state that the platform documents, by its meaning. */
  states: Partial<Record<Verdict, string[]>>
  /** States that take more than `enter` of the fake platform. The tests of the provider reach them. */
  otherStates?: string[]
  /** States that the provider does not know. */
  unknownStates?: string[]
  /** Fields of the input that the provider does not support. */
  unsupported?: ('project' | 'ref' | 'parameters')[]
  /** Starts that are invalid. */
  invalidStarts?: RefusedInput[]
  /** Starts that the connection does not allow. */
  forbidden?: RefusedInput[]
  /** Starts by what they send. */
  sends?: (StartFields & {
    name: string
    /** A part of the request that starts the run. */
    request: object
  })[]
  /** Starts that the platform refuses. */
  refused?: (StartFields & {
    /** Names the mistake. */
    name: string
    change?: Change<S>
    /** A part of the reason. */
    reason: string
    /** Defaults to `refused`. */
    kind?: Failure['kind']
  })[]
  /** Runs by what they report. */
  reports?: (StartFields & {
    name: string
    /** Changes the platform after the start. */
    change: Change<S>
    /** A part of the outcome or of the progress. */
    reported: object
  })[]
  /** Starts that have to wait. */
  waits?: {
    /** Names the cause. */
    name: string
    /** `running`: another run. */
    change: Change<S> | 'running'
    /** A part of the reason. */
    reason: string
    input?: object
  }[]
  /** Changes after which a retry cannot find the run of an attempt whose response was lost. */
  lost?: (StartFields & { name: string; change: Change<S> })[]
  /** Changes after which a retry finds the run of a start whose response was lost. */
  found?: { name: string; change: Change<S>; connection?: object }[]
  /** Polls that the platform refuses, with a part of the reason. */
  refusedPolls?: { change: Change<S>; reason: string }[]
  /** A part of the URL of the first run. */
  url?: string | ((server: S) => string)
  /** A part of the first run as the platform has stored it, such as the idempotency key. */
  stores?: { read: (server: S) => unknown; expected: unknown }
  /** Measurements of a run, which thresholds can use. They are also its data, if no other data is expected. */
  measures?: {
    /** Ends the run. */
    end: Change<S>
    metrics: Record<string, number>
    data?: object
  }
  /** A stop that takes a while. */
  slowStop?: {
    /** The state of the run after the request. */
    state: string
    /** Lets the run continue, if the platform needs that. */
    change?: Change<S>
  }
  /** Another form of the input that stops the first run. */
  stopsBy?: { id: string | number; project?: string }
  /** Stops that the platform refuses. */
  refusedStops?: {
    change?: Change<S>
    /** Defaults to the id of the run. */
    id?: string
    /** A part of the reason. */
    reason: string
    /** Defaults to `refused`. */
    kind?: Failure['kind']
  }[]
  /** Ids that do not look like those of the platform, and a part of the message about them. */
  invalidIds?: { ids: string[]; message: string }
  /** A target or an id may be a path, so that `/` adds a segment to a request. */
  hasPaths?: true
  /** Distinguishes two suites of one provider. */
  name?: string
}
