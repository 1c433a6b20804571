import type { ErrorObject, EventType, ExecutionStatus, OperationStatus, OperationType } from '@aws-sdk/client-lambda'

/** A Lambda function of the local cloud. */
export interface LocalFunction {
  name: string
  /** Path of the bundle: `.js` (CommonJS) or `.mjs`. */
  file: string
  /** Name of the exported handler, or `module.export`. */
  handler: string
  timeoutSeconds: number
  /** Heap limit of an execution environment. Defaults to 512. */
  memoryMb?: number
  environment: Record<string, string>
  /** Maximum number of execution environments. Defaults to 4. */
  concurrency?: number
  durable?: { executionTimeoutSeconds: number; retentionDays: number }
  tags?: Record<string, string>
}

/** An event of the local cloud. `at` is in milliseconds since 1970. */
export type Observation = { at: number; functionName: string } & (
  | { kind: 'log'; execution?: string; requestId?: string; stream: 'stdout' | 'stderr'; line: string }
  | ({ kind: 'request'; execution?: string; requestId?: string } & ObservedRequest)
  | {
      kind: 'invocation'
      execution?: string
      requestId: string
      status: 'SUCCEEDED' | 'FAILED'
      durationMs: number
      coldStart: boolean
      error?: FunctionError
    }
  | {
      kind: 'execution'
      execution: string
      arn: string
      status: ExecutionStatus
      /** JSON text. */
      result?: string
      error?: ErrorObject
    }
  | {
      kind: 'operation'
      execution: string
      arn: string
      id: string
      name?: string
      type: OperationType
      subType?: string
      status: OperationStatus
      /** Number of the attempt that started or ended (steps only, from 1). */
      attempt?: number
      /** When a waiting operation continues, in milliseconds since 1970. */
      nextAt?: number
      error?: ErrorObject
    }
)

/** A request that a function sent to a platform. Nothing in it is masked; long bodies are clipped. */
export interface ObservedRequest {
  method: string
  url: string
  headers: Record<string, string>
  /** Empty if there is none. */
  body: string
  /** Undefined if there was no response. */
  status?: number
  responseHeaders?: Record<string, string>
  responseBody: string
  error?: string
}

/** Error of a failed invocation, as Lambda returns it. */
export interface FunctionError {
  errorType: string
  errorMessage: string
  trace?: string[]
}

/** The EventBridge event for the end of a durable execution. */
export interface StatusChangeEvent {
  version: '0'
  id: string
  'detail-type': 'Durable Execution Status Change'
  source: 'aws.lambda'
  account: string
  time: string
  region: string
  resources: string[]
  detail: {
    durableExecutionArn: string
    durableExecutionName: string
    functionArn: string
    status: ExecutionStatus
    startTimestamp: string
    endTimestamp: string
  }
}

/** The credentials that the local AWS APIs accept. */
export interface CloudCredentials {
  accessKeyId: string
  secretAccessKey: string
}

/** A queue of SQS. */
export interface LocalQueue {
  name: string
  /** The function that handles its messages. */
  consumer?: string
  /** How long a message is invisible while it is handled. Defaults to 30. */
  visibilitySeconds?: number
  /** The queue of messages that were received too often. */
  deadLetters?: string
  maxReceives?: number
}

export interface CloudOptions {
  /** Folder of all persistent data; created if missing. Only one running cloud can use it. */
  state: string
  functions: LocalFunction[]
  queues?: readonly LocalQueue[]
  /** Returns a secret. Called at each request, so that changes apply immediately. */
  secret: (name: string) => string | undefined
  secretNames?: () => string[]
  /** Changes whenever a secret changes. Execution environments cache secrets and are replaced then. */
  secretsVersion?: () => string
  /** Saves a secret. If omitted, secrets are read-only. */
  putSecret?: (name: string, value: string) => void
  /** Defaults to true. False runs the code of the functions where it is. */
  copiesCode?: boolean | undefined
  /** Defaults to random credentials. */
  credentials?: CloudCredentials | undefined
  /** Name of the DynamoDB table, with the string key `id`. */
  table: string
  /** Divides the delays of retries, waits and callbacks, but not the timeouts of functions and executions. Defaults to 1. */
  timeScale?: number
  /** For tests: how soon it notices that the clock was set. */
  clockCheckMs?: number
  /** For tests: how long `close` waits for running invocations. */
  graceMs?: number
  /** Must not throw. */
  observe?: (observation: Observation) => void
  /**
   * Called at least once, even after a crash, if an execution ends FAILED, TIMED_OUT or STOPPED. Retried if it rejects, as
   * EventBridge does.
   */
  onEnded?: (event: StatusChangeEvent) => void | Promise<void>
}

export interface ExecutionFilter {
  functionName?: string
  name?: string
  statuses?: ExecutionStatus[]
  /** Defaults to 1000. */
  limit?: number
}

export interface ExecutionSummary {
  arn: string
  name: string
  functionName: string
  /** Version of the function that runs it from start to end. */
  version: number
  status: ExecutionStatus
  /** Milliseconds since 1970. */
  startedAt: number
  endedAt?: number
}

export interface ExecutionDetail extends ExecutionSummary {
  /** JSON text. */
  input: string
  /** JSON text. */
  result?: string
  error?: ErrorObject
}

/** Current state of a step, wait, callback or child context; times in milliseconds since 1970. */
export interface OperationSummary {
  id: string
  name?: string
  type: OperationType
  subType?: string
  status: OperationStatus
  startedAt: number
  endedAt?: number
  /** Attempts of a step, or polls of a condition. */
  attempts?: number
  /** Time of the next attempt, the end of a wait, or the timeout of a callback. */
  nextAt?: number
  /** JSON text of the result, or of the state of a pending condition. */
  result?: string
  error?: ErrorObject
}

/** An event of GetDurableExecutionHistory with timestamps in ISO 8601. */
export interface HistoryEvent {
  EventId: number
  EventType: EventType
  EventTimestamp: string
  Id?: string
  Name?: string
  ParentId?: string
  SubType?: string
  /** `<EventType>Details` */
  [details: string]: unknown
}

export interface LocalCloud {
  /** URL of the Lambda API, of Secrets Manager and of SQS. */
  endpoint: string
  /** URL of DynamoDB. */
  dynamodb: string
  credentials: CloudCredentials
  /**
   * Invokes a function and returns its result. For a durable function, waits until the execution ends.
   *
   * @param requestId for the log lines of a plain function
   */
  invoke(functionName: string, event: unknown, requestId?: string): Promise<{ result?: unknown; error?: FunctionError }>
  executions(filter?: ExecutionFilter): ExecutionSummary[]
  execution(arn: string): ExecutionDetail | undefined
  /** Returns the latest 500 operations, oldest first. @throws ApiError if the execution does not exist */
  operations(arn: string): OperationSummary[]
  /** @throws ApiError if the execution does not exist */
  history(arn: string): HistoryEvent[]
  /** Returns the latest events, newest first. @throws ApiError if the execution does not exist */
  newestEvents(arn: string, limit: number): HistoryEvent[]
  /** Starts the next attempt or poll of an execution now. @throws ApiError if the execution does not exist */
  skipWait(arn: string): void
  /** Stops an execution, as StopDurableExecution does. @throws ApiError if the execution does not exist */
  stop(arn: string): void
  /** Returns the ARN of a function with the alias `live`. */
  functionArn(name: string): string
  /** Waits briefly for running invocations, then stops everything. Executions continue at the next start. */
  close(): Promise<void>
}
