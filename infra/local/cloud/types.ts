import type { ErrorObject, EventType, ExecutionStatus, OperationStatus, OperationType } from '@aws-sdk/client-lambda'

/** One Lambda function of the local cloud: a bundle, its settings and how many of it may run at once. */
export interface LocalFunction {
  name: string
  /** Absolute or relative path of the bundle (CJS `.js`, or ESM `.mjs`). */
  file: string
  /** Name of the exported handler, also in Lambda's form `module.export`. */
  handler: string
  timeoutSeconds: number
  /** Heap limit of one execution environment; 512 when left out. */
  memoryMb?: number
  environment: Record<string, string>
  /** Execution environments (threads) at once; 4 when left out. */
  concurrency?: number
  durable?: { executionTimeoutSeconds: number; retentionDays: number }
  /** As ListTags shows them. */
  tags?: Record<string, string>
}

/** What happened in the local cloud, enough for one printed line each. `at` is in milliseconds since 1970. */
export type Observation = { at: number; functionName: string } & (
  | { kind: 'log'; execution?: string; requestId?: string; stream: 'stdout' | 'stderr'; line: string }
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
      /** JSON text of the result of an execution that succeeded. */
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
      /** When a waiting operation goes on, in milliseconds since 1970. */
      nextAt?: number
      error?: ErrorObject
    }
)

/** An error as Lambda answers it for a failed invocation. */
export interface FunctionError {
  errorType: string
  errorMessage: string
  trace?: string[]
}

/** The EventBridge event that AWS emits when a durable execution ends. */
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

/** The credentials that the stand-ins for AWS accept. */
export interface CloudCredentials {
  accessKeyId: string
  secretAccessKey: string
}

export interface CloudOptions {
  /** Folder of everything that outlives the process; made when missing. One running cloud per folder. */
  state: string
  functions: LocalFunction[]
  /** Value of a secret, asked at every call, so that a rotation is seen at once. */
  secret: (name: string) => string | undefined
  secretNames?: () => string[]
  /** Changes whenever a secret changes: an execution environment caches secrets, so it is replaced then. */
  secretsVersion?: () => string
  /** Stores a secret; where left out, secrets can only be read. */
  putSecret?: (name: string, value: string) => void
  /** Random if left out. */
  credentials?: CloudCredentials | undefined
  /** Name of the DynamoDB table to have (key attribute `id`, a string). */
  table: string
  /** Divides the delays of retries, waits and callbacks' time-outs; 1 when left out. Time-outs of functions and executions stay. */
  timeScale?: number
  /** Must not throw. */
  observe?: (observation: Observation) => void
  /**
   * Called when an execution ended FAILED, TIMED_OUT or STOPPED, at least once even across a crash. A rejection is
   * tried again later, as EventBridge does with a failing target.
   */
  onEnded?: (event: StatusChangeEvent) => void | Promise<void>
}

export interface ExecutionFilter {
  functionName?: string
  name?: string
  statuses?: ExecutionStatus[]
  /** How many at most, newest first; 1000 when left out. */
  limit?: number
}

export interface ExecutionSummary {
  arn: string
  name: string
  functionName: string
  /** Of the function: the one that it began on, and ends on. */
  version: number
  status: ExecutionStatus
  /** Milliseconds since 1970. */
  startedAt: number
  endedAt?: number
}

export interface ExecutionDetail extends ExecutionSummary {
  /** JSON text. */
  input: string
  /** JSON text of the result of an execution that succeeded. */
  result?: string
  error?: ErrorObject
}

/** A step, wait, callback or child context of an execution as it stands now; times are milliseconds since 1970. */
export interface OperationSummary {
  id: string
  name?: string
  type: OperationType
  subType?: string
  status: OperationStatus
  startedAt: number
  endedAt?: number
  /** How often a step was tried, and a condition looked at. */
  attempts?: number
  /** When it goes on by itself: the next try, the end of a wait, the time-out of a callback. */
  nextAt?: number
  /** JSON text of its result; of a condition that goes on, of its state. */
  result?: string
  error?: ErrorObject
}

/** An event of GetDurableExecutionHistory, in AWS's names; time stamps are ISO 8601. */
export interface HistoryEvent {
  EventId: number
  EventType: EventType
  EventTimestamp: string
  Id?: string
  Name?: string
  ParentId?: string
  SubType?: string
  /** `<EventType>Details`, as in AWS's API. */
  [details: string]: unknown
}

export interface LocalCloud {
  /** URL of the Lambda API and of Secrets Manager. */
  endpoint: string
  /** URL of DynamoDB. */
  dynamodb: string
  /** What both accept. */
  credentials: CloudCredentials
  /**
   * Invokes a function and waits for its end; of a durable function, for the end of the execution it starts.
   * @param requestId of the invocation of a function that is not durable, where its log lines are to be known by it
   */
  invoke(functionName: string, event: unknown, requestId?: string): Promise<{ result?: unknown; error?: FunctionError }>
  executions(filter?: ExecutionFilter): ExecutionSummary[]
  execution(arn: string): ExecutionDetail | undefined
  /** The newest 500 operations of an execution, the oldest first. @throws ApiError when there is none of this ARN */
  operations(arn: string): OperationSummary[]
  /** @throws ApiError when there is no execution of this ARN */
  history(arn: string): HistoryEvent[]
  /** The newest events, newest first. @throws ApiError when there is no execution of this ARN */
  newestEvents(arn: string, limit: number): HistoryEvent[]
  /** Ends an execution as StopDurableExecution does. @throws ApiError when there is none of this ARN */
  stop(arn: string): void
  /** The qualified ARN (alias `live`) under which a function is invoked. */
  functionArn(name: string): string
  /** Lets running invocations end for a moment, then stops everything; what goes on is taken up at the next start. Again: the same end. */
  close(): Promise<void>
}
