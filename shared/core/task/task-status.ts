import type { Outcome, verdictOf } from '../../outcome.ts'
import type { Requirement } from '../../policy/kinds/index.ts'
import { type Call, deadlineOf, type Task } from '../call.ts'
import type { Unanswered } from './answer.ts'
import type { Waiting } from './progress.ts'

/** The status of a task, for callers that poll. */
export interface TaskStatus {
  taskId: string
  category: string
  action: string
  /** `failed`: Lambda ended the task, and the finisher answers for it. */
  state: 'running' | 'finished' | 'failed'
  verdict: 'running' | ReturnType<typeof verdictOf>
  /** Describes the wait of a running task, for people. Empty if it does not wait. */
  progress: string
  /** Set while only people can end its wait: with a decision, or by resuming what they have stopped. */
  needs?: { type: NonNullable<Waiting['needs']>; detail?: string | undefined } | undefined
  acceptedAt: string
  /** When the task gives up waiting for what the policy requires. */
  waitUntil?: string | undefined
  /** The requirements of the policy for the start of the action. */
  requirements?: RequirementStatus[] | undefined
  /** With `waitUntil`, the latest one: the time counts from the moment when the requirements are met. */
  deadlineAt: string
  endedAt?: string | undefined
  outcome?: Outcome | undefined
  /** With an aborted outcome: whether the task was canceled, and not its job at the platform. Missing for tasks of earlier versions. */
  isCanceled?: boolean | undefined
  /** Why the orchestrator did not get the outcome. */
  unanswered?: Unanswered | undefined
  /** The task that this one runs again. */
  rerunOf?: string | undefined
}

/** A requirement of a task. */
interface RequirementStatus {
  type: Requirement['type']
  /** The name of the rule. Undefined for the entry of the caller. */
  rule?: string | undefined
  /** How many people have to approve, and who may. */
  count?: number | undefined
  by?: string[] | undefined
  /** The target of a turn. */
  target?: string | undefined
}

/** Returns the status of a task that has just started. */
export function startedStatus(call: Task | Call, taskId: string, startedAt: number): TaskStatus {
  const { category, action, waitAtMost, requirements } = call
  return {
    taskId,
    category,
    action,
    state: 'running',
    verdict: 'running',
    progress: '',
    acceptedAt: new Date(startedAt).toISOString(),
    waitUntil: waitAtMost === undefined ? undefined : new Date(startedAt + waitAtMost * 1_000).toISOString(),
    requirements: requirements?.map(describeRequirement),
    deadlineAt: new Date(deadlineOf(call, startedAt)).toISOString(),
  }
}

function describeRequirement(requirement: Requirement): RequirementStatus {
  const { type, rule } = requirement
  if (type === 'turn') return { type, rule, target: requirement.target }
  const { count, by } = requirement.ask ?? {}
  return { type, rule, count, by }
}
