import type { WebhookResponse } from '../../http/response.ts'
import type { GateOptions } from '../call.ts'
import { secondsToRetry, type TaskStatus } from '../task/status.ts'
import { json, line } from './responses.ts'

const OPEN = 200
/** Not 202, which some engines treat as open. */
const RUNNING = 409
const CLOSED = 424

/**
 * Returns the response of a gate. With `answer=body` it is the status of the task. With `answer=status`, the status of the
 * response opens or closes the gate, and its body is one line for people.
 */
export function gateResponse(status: TaskStatus, { answer, invert }: GateOptions): WebhookResponse {
  const headers = {
    'x-task-id': status.taskId,
    ...(status.state === 'running' ? { 'retry-after': String(secondsToRetry(status, Date.now())) } : {}),
  }
  if (answer === 'body') return json(200, status, headers)
  return line(statusCodeOf(status.verdict, invert), describe(status), headers)
}

function statusCodeOf(verdict: TaskStatus['verdict'], invert: boolean): number {
  if (verdict === 'running') return RUNNING
  const opens = invert ? verdict === 'fail' : verdict === 'pass' || verdict === 'warning'
  return opens ? OPEN : CLOSED
}

function describe({ verdict, progress, category, action, outcome }: TaskStatus): string {
  const text = outcome?.message ?? (progress || `${category}/${action}`)
  return `${verdict}: ${text}`
}
