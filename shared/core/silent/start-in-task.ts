import { randomBytes } from 'node:crypto'
import { audit } from '../../audit.ts'
import { DEFAULT_ORCHESTRATOR } from '../../orchestrators/index.ts'
import { type Outcome, passed } from '../../outcome.ts'
import { saveLastRun } from '../../state/save-last-run.ts'
import type { Call } from '../call.ts'
import { startTask } from '../task/start-execution.ts'

/**
 * Starts the task of a silent call whose job needs one, and returns its id. The response answers the call, so the task
 * sends no result. The same call again is the same task.
 *
 * @param waits whether a silent call of the action would wait for the end of the job
 * @param timeLeft returns the milliseconds until Lambda ends the webhook
 * @throws Failure `unavailable`: nothing was started
 */
export async function startInTask(call: Call, waits: boolean, timeLeft: () => number): Promise<Outcome> {
  const id = call.id ?? randomBytes(20).toString('hex')
  const event = { ...call.event, id: call.event.id ?? id }
  const task: Call = { ...call, id, event, orchestrator: DEFAULT_ORCHESTRATOR, sendStarted: false, progress: false }
  const { taskId, duplicate } = await startTask(task, timeLeft)
  if (duplicate && call.repeatRefusal) throw call.repeatRefusal
  audit.add({ taskId })
  // The task saves the id of its run later. A repeat must not replace a newer one.
  if (call.lastRunKey !== undefined && !duplicate) await saveLastRun(call.lastRunKey, taskId)
  const statusUrl = call.apiUrl === undefined ? undefined : `${call.apiUrl}/tasks/${taskId}`
  const message = `Started task ${taskId}, which runs ${call.action}${statusUrl ? `. Its status is at ${statusUrl}` : ''}`
  const started = passed(message, { id: taskId, state: 'started', ...(statusUrl ? { statusUrl } : {}) })
  if (!waits) return started
  return { ...started, result: 'warning', message: `${message}. It is still running: use mode=interactive to wait` }
}
