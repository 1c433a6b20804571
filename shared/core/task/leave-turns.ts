import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { log } from '../../log.ts'
import { type End, leave } from '../../policy/turns.ts'
import { turnTable } from '../../state/turn-table.ts'
import { wakeTask } from '../../state/wake.ts'
import type { Task } from '../call.ts'
import { retriedStep } from '../retried-step.ts'

/** The answer of the task waits for this step, and without it, the turn ends with its lease. */
const RELEASE_RETRIES = { maxAttempts: 6, backoff: { min: 1, max: 10 } }

/** The items of the turns. A task that gives up a turn wakes the next one. */
export const turns = turnTable(wakeNext)

/**
 * Gives up turns, and places in queues.
 *
 * @param tickets without a number if the task can only have the turn
 */
export async function leaveTurns(
  context: DurableContext,
  task: Task,
  tickets: readonly { key: string; number?: number }[],
  end: End,
): Promise<void> {
  await retriedStep<null>(
    context,
    'turn-release',
    async () => {
      for (const { key, number } of tickets)
        await leave(turns, { key, number, task: nameOf(task) }, end, () => Date.now())
      return null
    },
    {
      ...RELEASE_RETRIES,
      giveUp(error) {
        log.error('turn not released: it ends with its lease', error as Error)
        return null
      },
    },
  )
}

/** Returns the end of a task that may have left a job running. */
export function leftBy(task: Task): End {
  return { leftRunning: linkOf(task) ?? nameOf(task) }
}

/** Returns the name of a task in the items of turns. */
export function nameOf({ category, id }: Pick<Task, 'category' | 'id'>): string {
  return `${category}/${id}`
}

/** Returns the URL of the status of a task, if it is known. */
export function linkOf({ apiUrl, id }: Task): string | undefined {
  return apiUrl === undefined ? undefined : `${apiUrl}/tasks/${id}`
}

/** Wakes the task that got the turn. Does not throw. */
async function wakeNext(name: string): Promise<void> {
  const [category = '', taskId = ''] = name.split('/')
  try {
    await wakeTask({ category, taskId })
  } catch (error) {
    log.warn('task not woken: it checks its turn later', error as Error)
  }
}
