import type { Served } from '../../../infra/testing/loopback-server.ts'
import type { Change, CommonOptions, Fields } from '../common/options.ts'

export interface FlagOptions<S extends Served> extends CommonOptions<S> {
  /** The flag of an input that names none. Defaults to one that is off. */
  flag?: string
  /** Inputs that the provider refuses before it sends a request, and a part of the message. */
  invalidInputs?: { input: object; message: string }[]
  /** Inputs that are refused and change nothing. */
  refused?: {
    input: object
    /** A part of the message of the failure. */
    reason: string
    change?: Change<S>
    connection?: Fields<S>
  }[]
  /** Inputs that set flags. */
  sets?: {
    input: object
    /** A part of the outcome. */
    outcome: object
    change?: Change<S>
    connection?: object
  }[]
  /** The platform does not know its environments. */
  anyEnvironment?: true
  /** A part of the message for an unknown flag, and for an unknown environment. */
  unknown?: { flag?: string; environment?: string }
  /** Changes that wait for an approval or a deployment. False if the edition that is tested does not have them. */
  pending?: PendingChange<S> | false
}

export interface PendingChange<S extends Served> {
  /** Lets changes wait, if they do not always. */
  guard?: Change<S>
  connection?: object
  /** The platform's word for what a change waits for. */
  noun: string
  /** By state: how it is reached, and the result of a poll or the status that it shows. */
  states: Record<string, { reach: Change<S>; ends?: 'pass' | 'fail'; says?: string }>
}
