import { explainAws } from '../../aws/aws-errors.ts'
import type { ListedTask } from '../../local/tasks/listed-task.ts'
import { UsageError } from '../../project/usage-error.ts'
import { callReceiver } from '../receiver/call-receiver.ts'
import type { Receiver } from '../receiver/receiver.ts'
import { note } from '../terminal/output.ts'
import type { TaskName } from './task-name.ts'

const COMPLETE_ID = /^[0-9a-f]{40}$/
const SHORT_ID = /^[0-9a-f]{4,39}$/

/**
 * Completes the start of an id, as the table of `webhooks tasks` shows it. Prints a note if it cannot.
 *
 * @param place the receiver, or the name of a stack
 * @throws UsageError if the start is that of several tasks
 */
export async function completeTask(task: TaskName, place: Receiver | string): Promise<TaskName> {
  if (COMPLETE_ID.test(task.taskId) || !SHORT_ID.test(task.taskId)) return task
  const ids = await (typeof place === 'string' ? stackIds(place, task) : localIds(place, task))
  const [taskId, other] = ids ?? []
  if (other !== undefined) throw new UsageError(`More than one task starts with ${task.taskId}. Pass more of its id.`)
  if (taskId !== undefined) return { ...task, taskId }
  const listing = `npx webhooks tasks --category ${task.category}${typeof place === 'string' ? ` --stack ${place}` : ''}`
  note(
    ids
      ? `No listed task of ${task.category} starts with ${task.taskId}. To list them: ${listing}`
      : 'Pass the complete id of the task: a deployed API cannot list tasks.',
  )
  return task
}

/** Returns undefined if the receiver cannot list tasks. */
async function localIds(receiver: Receiver, { category, taskId }: TaskName): Promise<string[] | undefined> {
  const tasks = await readLocalTasks(receiver)
  return tasks
    ?.filter((task) => task.category === category && task.taskId.startsWith(taskId))
    .map((task) => task.taskId)
}

async function stackIds(stack: string, { category, taskId }: TaskName): Promise<string[]> {
  const { lambda, findTaskIds } = await loadDeployedTasks()
  return findTaskIds(lambda, stack, category, taskId).catch(explainListing)
}

/** Returns undefined if the receiver is not a local runtime. */
export async function readLocalTasks(receiver: Receiver): Promise<ListedTask[] | undefined> {
  const { status, body } = await callReceiver(receiver, '/tasks')
  if (status !== 200) return undefined
  return (body as { tasks: { task?: ListedTask }[] }).tasks.flatMap(({ task }) => task ?? [])
}

/** Loaded when used: the local runtime does not need the SDK. */
export async function loadDeployedTasks() {
  const [{ LambdaClient }, { findTaskIds, listDeployedTasks }] = await Promise.all([
    import('@aws-sdk/client-lambda'),
    import('../../local/tasks/deployed-tasks.ts'),
  ])
  return { lambda: new LambdaClient(), findTaskIds, listDeployedTasks }
}

/** Throws an error of AWS with its reason and what to do. */
export function explainListing(error: unknown): never {
  throw error instanceof UsageError ? error : explainAws(error, 'Listing tasks')
}
