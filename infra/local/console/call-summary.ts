import type { ApprovalInput } from '../../../shared/approvals/request/input.ts'
import type { Unanswered } from '../../../shared/core/task/answer.ts'
import type { HistoryEvent } from '../../../shared/core/task/progress.ts'
import type { ExecutionDetail, OperationSummary } from '../cloud/index.ts'
import type { PolicyWait } from './requirements.ts'

/** The state of a call. `asking`: another call waits for the approval that it asks for. `refused`: it was never accepted. */
export type CallVerdict =
  | 'running'
  | 'retrying'
  | 'waiting'
  | 'asking'
  | 'pass'
  | 'warning'
  | 'fail'
  | 'errored'
  | 'aborted'
  | 'refused'

/** A call in the list. Times are milliseconds since 1970. Texts are empty if they are unknown. */
export interface CallSummary {
  id: string
  at: number
  endedAt?: number | undefined
  verdict: CallVerdict
  category: string
  action: string
  provider: string
  /** Title of the provider. In a stack, only once it was called. */
  platform: string
  connection: string
  mode: string
  caller: string
  /** Name of the orchestrator that gets the answer. */
  orchestrator: string
  /** Title of its engine: `Keptn`. */
  engine: string
  context: string
  /** `shop/production/checkout` */
  place: string
  /** The task of Keptn's event. */
  task: string
  /** Its outcome, or what it waits for. */
  text: string
  /** Why the last attempt failed, while it waits for the next one. */
  reason?: string | undefined
  /** The end of its current wait. */
  until?: number | undefined
  /** Attempts of its action. */
  attempts: number
  failedAttempts: number
  deadlineAt?: number | undefined
  /** Its task waits until the policy allows its action. */
  policyWait?: PolicyWait | undefined
  /** The approval that it waits for. */
  approval?: ApprovalQuestion | undefined
  /** Whether its orchestrator has received its one answer. `none`: no orchestrator waits for it. */
  answer: 'none' | 'pending' | 'sent' | Unanswered
}

/** The question of an approval, and the people who may decide: by default, everybody who gets the message. */
export interface ApprovalQuestion extends Pick<ApprovalInput, 'approvers' | 'channel'> {
  question: string
  /** The people who may not decide. */
  excluded: string[]
  /** How many people have to approve. */
  count: number
  /** The people who have approved, if several have to. */
  votes: string[]
  /** The task whose action starts after the approval. */
  neededBy: { category: string; id: string } | undefined
  /** Link to the message that asks, if the platform has one. */
  messageUrl?: string | undefined
  /** When people are reminded if no one has decided. */
  reminderAt?: number | undefined
}

/** The executions of tasks and of the finisher. */
export interface Executions {
  execution(arn: string): ExecutionDetail | undefined
  /** Returns the operations of an execution, oldest first. */
  operations(arn: string): OperationSummary[]
  /** Returns the latest events, newest first. */
  newestEvents(arn: string, limit: number): HistoryEvent[]
}

/** The data that the views read in addition to the record of a call. A stack lacks the optional ones. */
export interface ViewContext {
  cloud: Executions
  /** Returns the provider of a connection. Empty if it does not exist. */
  providerOf(category: string, connection: string): string
  /** Returns the title of a provider, or an empty string. */
  titleOf?(category: string, provider: string): string
  /** Returns the orchestrator of a caller. */
  orchestratorOf?(caller: string): string
  /** Returns the title of the engine of an orchestrator. */
  engineOf(orchestrator: string): string
}
