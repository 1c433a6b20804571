import type { Decided } from '../../approvals/request/decided.ts'
import { turnsIn } from '../../policy/requirements.ts'
import { deadlineOf, type Task } from '../call.ts'
import { askNumberIn, HOLD, isPolicyStep, isTurnStep } from './steps.ts'

/** A durable operation, as the history of an execution reports it. */
export interface Operation {
  name?: string | undefined
  /** JSON text. Lambda truncates long ones. */
  result?: string | undefined
  /** In epoch milliseconds. */
  startedAt: number
}

/** The course of a task's wait for the policy. Times are milliseconds since 1970. */
export interface PolicyProgress {
  /** When the wait started. Undefined if the task did not wait. */
  since: number | undefined
  /** When the requirements were met, without the turns, and the action was not stopped. */
  metAt: number | undefined
  /** When the task started to wait for its turns, when it got the last one, and what it waits for. */
  turn: { since: number; heldAt?: number | undefined; waitsFor?: string | undefined } | undefined
  /** The tasks that ask people, by the number of the requirement. */
  asked: Map<number, { id: string; at: number }>
  /** The votes and decisions, with the rule that required them. */
  decisions: Decided[]
}

/**
 * Returns the course of a task's wait for the policy.
 *
 * @param operations oldest first. Some may be missing
 */
export function policyProgressIn(operations: Iterable<Operation>): PolicyProgress {
  const progress: PolicyProgress = {
    since: undefined,
    metAt: undefined,
    turn: undefined,
    asked: new Map(),
    decisions: [],
  }
  for (const { name, result, startedAt } of operations) {
    if (!isPolicyStep(name)) continue
    progress.since ??= startedAt
    const { metAt, decisions, id, at, heldAt, waitsFor, releasedAt } = parseResult(result)
    if (isTurnStep(name)) progress.turn ??= { since: startedAt }
    if (isTurnStep(name) && progress.turn && typeof waitsFor === 'string') progress.turn.waitsFor = waitsFor
    if (isTurnStep(name) && progress.turn && typeof heldAt === 'number') progress.turn.heldAt = heldAt
    const number = askNumberIn(name)
    if (number !== undefined && typeof id === 'string') progress.asked.set(number, { id, at: Number(at) })
    if (typeof metAt === 'number') progress.metAt = metAt
    if (name === HOLD) {
      progress.metAt = typeof releasedAt === 'number' ? releasedAt : undefined
      if (progress.turn) progress.turn.heldAt = undefined
    }
    if (Array.isArray(decisions) && decisions.length >= progress.decisions.length) progress.decisions = decisions
  }
  return progress
}

/**
 * Returns when a running task gives up, in epoch milliseconds. While its requirements are not met, that is the latest time.
 *
 * @param startedAt of its execution
 */
export function deadlineAfter(
  task: Pick<Task, 'deadline' | 'waitAtMost' | 'approvalOf' | 'requirements'>,
  startedAt: number,
  progress: PolicyProgress,
): { at: number; isKnown: boolean } {
  const waits = task.requirements !== undefined || progress.since !== undefined
  if (!waits || task.approvalOf) return { at: deadlineOf(task, startedAt), isKnown: true }
  // The last turn is the last requirement.
  const metAt = turnsIn(task.requirements).length > 0 ? progress.turn?.heldAt : progress.metAt
  return { at: deadlineOf(task, startedAt, metAt), isKnown: metAt !== undefined }
}

/** Returns the result of an operation. Empty without a result, and if it was truncated or is not an object. */
export function parseResult(json: string | undefined): Record<string, unknown> {
  try {
    const result: unknown = JSON.parse(json ?? '{}')
    return typeof result === 'object' && result !== null ? (result as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
