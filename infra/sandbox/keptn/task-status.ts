import { setTimeout as wait } from 'node:timers/promises'
import { isObject, type JsonObject } from './events.ts'

/** A task that the receiver has accepted: the body of its 202 response. */
export interface AcceptedTask {
  taskId: string
  statusUrl: string
}

/** Parses the body of a 202 response; undefined if it contains no task. */
export function acceptedTask(body: string): AcceptedTask | undefined {
  try {
    const answer: unknown = JSON.parse(body)
    if (!isObject(answer)) return undefined
    const { taskId, statusUrl } = answer
    return typeof taskId === 'string' && typeof statusUrl === 'string' ? { taskId, statusUrl } : undefined
  } catch {
    return undefined
  }
}

/**
 * Polls the status of an accepted task until it has ended. Continues after a failed poll, and warns once.
 *
 * @param ask requests the status URL
 * @returns the data for the `.finished` event
 */
export async function pollTask(
  task: string,
  ask: () => Promise<Response>,
  { intervalMs, signal, warn }: { intervalMs: number; signal: AbortSignal; warn: (text: string) => void },
): Promise<JsonObject> {
  let warned = false
  for (;;) {
    await wait(intervalMs, undefined, { signal })
    try {
      const answer = await ask()
      const status: unknown = answer.ok ? await answer.json() : undefined
      if (isObject(status) && status['state'] !== 'running') {
        return isObject(status['outcome']) ? finishedData(task, status['outcome']) : failed
      }
      if (!answer.ok) throw new Error(`the status URL returned ${answer.status}`)
    } catch (error) {
      signal.throwIfAborted()
      if (!warned) warn(`${error instanceof Error ? error.message : String(error)}; retrying`)
      warned = true
    }
  }
}

/** The receiver finishes such a task as errored, but its status has no outcome. */
const failed: JsonObject = { status: 'errored', result: 'fail', message: 'the task ended without an outcome' }

function finishedData(task: string, { status, result, message, data, links }: JsonObject): JsonObject {
  return {
    status: status ?? 'succeeded',
    result: result ?? 'fail',
    ...(typeof message === 'string' ? { message } : {}),
    ...(isObject(links) && Object.keys(links).length > 0 ? { labels: links } : {}),
    ...(isObject(data) ? { [task]: data } : {}),
  }
}
