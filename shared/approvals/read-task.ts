import { readTask, type TaskExecution } from '../core/task/status.ts'
import { Failure } from '../errors.ts'
import type { Outcome } from '../outcome.ts'

/**
 * Reads the task of an approval.
 *
 * @returns undefined if it has been deleted
 * @throws Failure `unavailable`
 */
export async function readTaskIfKnown(category: string, taskId: string): Promise<TaskExecution | undefined> {
  try {
    return await readTask(category, taskId)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unknown') return undefined
    throw error
  }
}

/** Returns why a task has ended without a decision. */
export function reasonOfEnd(outcome: Outcome | undefined): string {
  return outcome?.message ?? 'Its task was stopped'
}
