import type { Outcome } from '../../outcome.ts'
import type { Unanswered } from './answer.ts'

/** The result of a task's execution. The task's status is read from it. */
export interface TaskResult {
  taskId: string
  outcome: Outcome
  /** With an aborted outcome: whether the task was canceled, and not its job at the platform. Missing in results of earlier versions. */
  isCanceled?: boolean
  /** Why the orchestrator did not get the outcome. */
  unanswered?: Unanswered
  /** When it ended, in epoch milliseconds, if answers are detailed. */
  endedAt?: number
}
