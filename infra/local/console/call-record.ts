import type { Inbound } from './inbound.ts'
import type { Exchange } from './masked-request.ts'

/** A request that a function sent to a platform or an orchestrator. */
export interface Outgoing {
  /** Time of the response in milliseconds since 1970. */
  at: number
  /** Title of the platform: `GitHub`. */
  platform: string
  /** HTTP method, or operation of an AWS API. */
  method: string
  host?: string | undefined
  /** Path without query, or a name if the URL is a credential. */
  path?: string | undefined
  /** Undefined if there was no response. */
  status?: number | undefined
  ms: number
  /** Name of the durable step that sent it. Undefined for the webhook. */
  step?: string | undefined
  exchange?: Exchange | undefined
}

/** A line of the log. */
export interface LogLine {
  at: number
  level: string
  message: string
  /** The other fields of the line: `status 202, ms 31`. */
  facts?: string
  /** Why something failed. */
  reason?: string | undefined
}

/** The fields of the line that a webhook logs for each call. */
export interface CallFields {
  caller?: string | undefined
  connection?: string | undefined
  provider?: string | undefined
}

/** The records of a call besides its execution: its requests, the requests that it sent, and its log. */
export interface CallRecord {
  /** Id of the task, or of the request if there is no task. */
  id: string
  /** Milliseconds since 1970. */
  at: number
  /** Oldest first. */
  requests: Inbound[]
  outgoing: Outgoing[]
  log: LogLine[]
  /** Number of older requests to platforms that were dropped. */
  droppedCalls: number
  fields?: CallFields
  /** ARN of the execution of the task. */
  arn?: string
  /** ARN of the execution of the finisher. */
  finisher?: string
  /** ARNs of the executions that follow the task: each sends its answer again, or cleans up. Oldest first. */
  later?: string[]
}
