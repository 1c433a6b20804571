import type { withRunOfTask } from './run-of-task.ts'

export type FindRunOfTask = typeof withRunOfTask

/** Loads `withRunOfTask` when used, because few providers need tasks. Only for webhooks: a task may not read other tasks. */
export const findRunOfTask: FindRunOfTask = async (...call) => (await import('./run-of-task.ts')).withRunOfTask(...call)
