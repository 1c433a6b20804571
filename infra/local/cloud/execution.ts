import type { ExecutionStatus } from '@aws-sdk/client-lambda'
/** A row of the table `execution`; times are milliseconds since 1970. */
export interface Execution {
  readonly id: number
  readonly arn: string
  readonly uuid: string
  readonly function: string
  readonly function_version: number
  /** The version or the alias that started it. */
  readonly qualifier: string
  readonly name: string
  readonly input: string
  readonly timeout_seconds: number
  readonly retention_days: number
  readonly started_at: number
  readonly deadline: number
  status: ExecutionStatus
  result: string | null
  /** JSON text of an ErrorObject. */
  error: string | null
  ended_at: number | null
  expires_at: number | null
  /** When to invoke the function next; null during an invocation, or if nothing is due. */
  wake_at: number | null
  /** When to call `onEnded`; null if no call is due. */
  notify_at: number | null
  in_flight: number
  /** Number of consecutive failed invocations. */
  failures: number
  /** Counts the changes of operations. `delivered` is the last change that was sent to the function. */
  version: number
  delivered: number
  /** Number of the valid checkpoint token. */
  token: number
  /** ClientToken of the last checkpoint and the change delivered before it, to answer a retry. */
  client_token: string | null
  client_version: number | null
  operations: number
  bytes: number
  events: number
  /** The operation of another execution that invoked the function, and gets the result. */
  readonly invoked_by: number | null
}
