import { UsageError } from '../../project/usage-error.ts'

/** A task on the command line. */
export interface TaskName {
  category: string
  taskId: string
}

/** @throws UsageError unless it is `category/taskId` */
export function parseTaskName(text: string): TaskName {
  const [category, taskId, ...rest] = text.split('/')
  if (!category || !taskId || rest.length > 0)
    throw new UsageError(`Invalid task "${text}". Write it as category/taskId.`)
  return { category, taskId }
}

/** Returns the path of the task's status. */
export function pathOf({ category, taskId }: TaskName): string {
  return `/v1/${encodeURIComponent(category)}/tasks/${encodeURIComponent(taskId)}`
}
