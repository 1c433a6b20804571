import { jsonObject } from '../platforms/sandbox/http.ts'
import type { Ending } from './runs.ts'

/** The fields of a task status, and of the response to a call, that engines read. */
interface TaskStatus {
  taskId?: string | undefined
  statusUrl?: string | undefined
  verdict?: Ending['verdict'] | 'running' | undefined
  message: string
}

/** Reads a body. Fields that it does not have are undefined. */
export function readTaskStatus(body: string): TaskStatus {
  const { taskId, statusUrl, verdict, outcome, detail } = (jsonObject(body) ?? {}) as {
    [field in 'taskId' | 'statusUrl' | 'detail']?: string
  } & { verdict?: TaskStatus['verdict']; outcome?: { message?: string } }
  return { taskId, statusUrl, verdict, message: outcome?.message ?? detail ?? '' }
}
