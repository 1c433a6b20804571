import { startingActionOf } from '../../../shared/core/start-gate.ts'
import { messageOf } from '../../../shared/errors.ts'
import { findStop, type Stop } from '../../../shared/policy/kinds/stop.ts'
import type { ListedTask } from '../../local/tasks/listed-task.ts'
import { categories } from '../../project/categories.ts'
import { receiverOf } from '../receiver/receiver.ts'
import { explainListing, loadDeployedTasks, readLocalTasks } from '../tasks/find-tasks.ts'
import { note } from '../terminal/output.ts'
import { runningRuntime } from './stops-in.ts'

/**
 * Cancels the running tasks that a stop matches, one by one. Tasks that wait for the end of the stop end, too.
 *
 * @param stack undefined for the local runtime
 * @returns whether all were canceled
 */
export async function cancelStopped(stop: Stop, stack: string | undefined): Promise<boolean> {
  const tasks = (await (stack === undefined ? localTasks() : stackTasks(stack))).filter((task) => isStopped(stop, task))
  let failures = 0
  for (const [index, { category, taskId, action, connection }] of tasks.entries()) {
    const name = `${category}/${taskId}`
    note(`Canceling ${index + 1} of ${tasks.length}: ${name} (${action}, ${connection})`)
    try {
      if (stack === undefined) {
        const { operateOnRuntime } = await import('../../local/operator/operate-on-runtime.ts')
        await operateOnRuntime(runningRuntime().aws, { category, taskId, operation: 'cancel' })
      } else {
        const { operateOnStack } = await import('../tasks/stack-task.ts')
        await operateOnStack(stack, { category, taskId }, 'cancel')
      }
    } catch (error) {
      failures++
      note(`Not canceled: ${messageOf(error)}`)
    }
  }
  note(`Canceled ${tasks.length - failures} of ${tasks.length} tasks. Each stops its job with its next poll.`)
  return failures === 0
}

function isStopped(stop: Stop, task: ListedTask): boolean {
  const category = categories.find(({ name }) => name === task.category)
  const starting = category && startingActionOf(category, task)
  return starting !== undefined && findStop([stop], starting, Date.now()) !== undefined
}

async function localTasks(): Promise<ListedTask[]> {
  const tasks = (await readLocalTasks(receiverOf({ url: runningRuntime().url }))) ?? []
  return tasks.filter(({ state }) => state === 'running')
}

async function stackTasks(stack: string): Promise<ListedTask[]> {
  const { lambda, listDeployedTasks } = await loadDeployedTasks()
  return listDeployedTasks(lambda, stack, { state: 'running' }, Number.POSITIVE_INFINITY, note).catch(explainListing)
}
