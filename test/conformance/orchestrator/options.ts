import type { Call, Served } from '../../../infra/testing/loopback-server.ts'
import type { Answer, OrchestratorType } from '../../../shared/orchestrators/orchestrator.ts'
import type { Change } from '../common/options.ts'

/** An engine, and what a test needs to know about it. */
export interface OrchestratorSubject<S extends Served = Served> {
  /** The type, if it is not in `shared/orchestrators/index.ts`. */
  type?: OrchestratorType
  /** Describes the tests. Defaults to the type. */
  name?: string
  /** Starts a fake engine. Omit it if nothing is sent. */
  start?(): Promise<StartedEngine<S>>
  /** The body of an interactive call, with every field that the engine needs. */
  body: Record<string, unknown>
  /** The headers of the call that the engine needs, as it spells them. */
  headers?: Record<string, string>
  /** The address for the answer, if the engine signs its calls. */
  replyTo?: string
  /** The paths of these fields, and these headers. Empty if all are optional. */
  required: string[]
  /** The kinds of answers that the engine receives. */
  sends: Answer['kind'][]
  /** By verdict, the state of the engine after the answer: `{ verdict: 'warning', shown: 'approved' }`. */
  verdicts?: {
    verdict: string
    shown: unknown
    /** Other settings, such as `{ onWarning: 'approve' }`. */
    settings?: object
  }[]
  /** Settings that are not valid together with those of the engine, and a part of what is wrong. */
  invalidSettings?: { settings: object; problem: string }[]
  /** The requests of the connection test: `GET /me`. Empty if it sends none. */
  check?: string[]
  /** Connection tests that fail. */
  failedChecks?: {
    settings: object
    /** A part of the failure. */
    failure: object
    change?: Change<S>
  }[]
}

/** A fake engine. */
export interface StartedEngine<S extends Served = Served> {
  server: S
  /** The settings in the secret of the orchestrator. */
  settings: Record<string, unknown>
  /** Credentials, which must not appear in any error. */
  secrets: string[]
  /** Deletes the answers that the engine has received. */
  reset?(): void
  /** Returns the kind of the answer that a request delivers. Undefined for other requests. */
  kindOf(call: Call): Answer['kind'] | undefined
  /** Returns what identifies an answer: the engine treats two requests with the same identity as one. */
  identityOf(call: Call): string
  /** Returns what the engine shows of the newest answer. */
  shown?(): unknown
}
