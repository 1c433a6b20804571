import { audit } from '../../audit.ts'
import { Failure } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import type { Call, GateOptions } from '../call.ts'
import { runGate } from '../task/gate.ts'
import { startTask } from '../task/start-execution.ts'
import { secondsToNextRead } from '../task/status.ts'
import type { TaskStatus } from '../task/task-status.ts'
import { json, line } from './responses.ts'

const OPEN = 200
const FAILURE = ['fail', 'errored', 'aborted']
/** Not 202, which some engines treat as open. */
const RUNNING = 409
const CLOSED = 424

/** Load this module with `import()`: only gates need it. */

/** Starts or finds the task of a gate, and returns the response. */
export async function askGate(call: Call, options: GateOptions, timeLeft: () => number): Promise<WebhookResponse> {
  let isRepeat = true
  const start = (gateCall: Call) => {
    isRepeat = false
    return startTask(gateCall, timeLeft)
  }
  const gate = runGate(call, options, start).finally(() => {
    if (isRepeat && call.repeatRefusal) throw call.repeatRefusal
  })
  const status = await gate.catch((error: unknown) => {
    const response = closedResponse(error, call, options)
    audit.add({ refusal: error })
    return response
  })
  if (status && 'statusCode' in status) return status
  audit.add({ taskId: status?.taskId, outcome: status?.verdict ?? 'ignored' })
  log.appendKeys({ taskId: status?.taskId, verdict: status?.verdict })
  return gateResponse(status, options)
}

/**
 * Returns the response of a gate. With `answer=body` it is the status of the task. With `answer=status`, the status of the
 * response opens or closes the gate, and its body is one line for people.
 *
 * @param status undefined if an inverted gate has no task
 */
function gateResponse(status: TaskStatus | undefined, { form, invert }: GateOptions): WebhookResponse {
  if (!status) return line(CLOSED, 'nothing to roll back: no task of this key runs or has failed')
  const headers = {
    'x-task-id': status.taskId,
    ...(status.state === 'running' ? { 'retry-after': String(secondsToNextRead(status, Date.now())) } : {}),
  }
  if (form === 'body') return json(200, status, headers)
  return line(statusCodeOf(status.verdict, invert), describe(status), headers)
}

/**
 * Returns the response of a gate whose task a rule of the policy, or a stop, does not allow now. Engines that read the body count other
 * statuses than 200 as errors, and give up after some: during a stop, the gate only runs.
 *
 * @throws the error, if it is another one
 */
function closedResponse(error: unknown, { category, action }: Call, { form }: GateOptions): WebhookResponse {
  if (!(error instanceof Failure) || !['closed', 'stopped'].includes(error.kind)) throw error
  const { kind, message, retryAfter } = error
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  if (kind === 'closed' || form === 'status') return line(CLOSED, message, headers)
  return json(200, { category, action, state: 'running', verdict: 'running', progress: message }, headers)
}

function statusCodeOf(verdict: TaskStatus['verdict'], invert: GateOptions['invert']): number {
  if (verdict === 'running') return RUNNING
  if (invert === 'any') return FAILURE.includes(verdict) ? OPEN : CLOSED
  if (invert === 'true') return verdict === 'fail' ? OPEN : CLOSED
  return FAILURE.includes(verdict) ? CLOSED : OPEN
}

function describe({ verdict, progress, category, action, outcome }: TaskStatus): string {
  const text = outcome?.message ?? (progress || `${category}/${action}`)
  return `${verdict}: ${text}`
}
