import type { Requirement } from '../../policy/kinds/index.ts'
import { type Call, deadlineOf, type Task } from '../call.ts'
import type { TaskStatus } from './status.ts'

/** A requirement of a task. */
export interface RequirementStatus {
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
