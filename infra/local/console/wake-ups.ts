import { isRace, isWakeUp } from '../../../shared/core/task/steps.ts'
import type { OperationSummary } from '../cloud/index.ts'

/**
 * Returns the operations as the course of a task shows them: without wake-ups that never came, and without races. A wake-up ends the
 * polls before it, although their operation remains open in the background.
 *
 * @param endedAt of the task
 */
export function withoutRaces(operations: readonly OperationSummary[], endedAt: number | undefined): OperationSummary[] {
  const wakeUps = operations.filter(({ name }) => isWakeUp(name))
  return operations
    .filter((one) => !isRace(one.name) && (!isWakeUp(one.name) || one.endedAt !== undefined))
    .map((one) => {
      if (one.subType !== 'WaitForCondition') return one
      const wakeUp = wakeUps.findLast(({ startedAt }) => startedAt <= one.startedAt)?.endedAt
      const isRaced = wakeUp !== undefined && wakeUp > one.startedAt
      return { ...one, endedAt: isRaced ? wakeUp : (one.endedAt ?? endedAt) }
    })
}
