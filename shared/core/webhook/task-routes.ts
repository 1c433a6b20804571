import { audit, auditedCall } from '../../audit.ts'
import type { Caller } from '../../auth/callers.ts'
import { invalidInput } from '../../errors.ts'
import type { WebhookResponse } from '../../http/response.ts'
import type { Category } from '../../providers/category.ts'
import { startTask } from '../task/start-execution.ts'
import { rateRefusal } from './read-call.ts'
import { allowMethod, type WebhookRequest } from './request.ts'
import { cancellation, json } from './responses.ts'

/** A request of an authenticated caller for one task. */
interface TaskRequest {
  category: Category
  caller: Caller
  taskId: string
  request: WebhookRequest
}

/** `POST /{category}/tasks/{taskId}/{operation}`. The modules of the tasks are loaded when used: calls do not need them. */
const taskOperations = {
  async cancel({ category, caller, taskId }: TaskRequest): Promise<WebhookResponse> {
    const { cancelTask } = await import('../task/cancel.ts')
    return cancellation(await cancelTask(category, taskId, caller), caller)
  },

  async answer({ category, caller, taskId }: TaskRequest): Promise<WebhookResponse> {
    const refusal = await rateRefusal(caller, category.name)
    if (refusal) throw refusal
    const { answerAgain } = await import('../task/answer-again.ts')
    const answered = await answerAgain(category.name, taskId, caller)
    audit.add({ outcome: 'accepted' })
    return json(202, answered)
  },

  async rerun({ category, caller, taskId, request }: TaskRequest): Promise<WebhookResponse> {
    const refusal = await rateRefusal(caller, category.name)
    const { rerunTask } = await import('../task/rerun.ts')
    const rerun = await rerunTask(category, taskId, caller, (task) => {
      audit.add(auditedCall(task))
      return startTask({ ...task, refusal: refusal ?? task.refusal }, () => request.context.getRemainingTimeInMillis())
    })
    audit.add({ outcome: rerun.duplicate ? 'duplicate' : 'accepted' })
    return json(202, { ...rerun, statusUrl: `${request.categoryUrl}/tasks/${rerun.taskId}` })
  },
}

type Operation = keyof typeof taskOperations

export function isTaskOperation(name: string): name is Operation {
  return Object.hasOwn(taskOperations, name)
}

/** Carries out an operation on a task. */
export function changeResponse(operation: Operation, taskRequest: TaskRequest): Promise<WebhookResponse> {
  allowMethod(taskRequest.request, 'POST')
  audit.add({ operation, taskId: taskRequest.taskId })
  return taskOperations[operation](taskRequest)
}

/** Responds to `GET /{category}/tasks/{taskId}`. */
export async function statusResponse({ category, caller, taskId, request }: TaskRequest): Promise<WebhookResponse> {
  allowMethod(request, 'GET')
  const requestedMs = waitOf(request)
  const waitMs = requestedMs > 0 && !(await mayWait(category, caller)) ? BRIEF_WAIT_MS : requestedMs
  const { readTaskStatus, secondsToNextRead } = await import('../task/status.ts')
  const status = await readTaskStatus(category.name, taskId, caller, waitMs)
  const headers =
    status.state === 'running' ? { 'retry-after': String(secondsToNextRead(status, Date.now())) } : undefined
  return json(200, status, headers)
}

/** At this rate, the waits of a caller hold at most about eight invocations at a time. */
const MAX_WAITS_PER_MINUTE = 20
/** Further requests wait briefly, because many clients repeat a request that waits without a pause of their own. */
const BRIEF_WAIT_MS = 1_000

/** Whether a request may wait for a long time. It holds an invocation, which other callers may need. */
async function mayWait({ name }: Category, caller: Caller): Promise<boolean> {
  const { countCall } = await import('../../state/call-rate.ts')
  // No caller has this name.
  const { calls } = await countCall(name, `${caller.name}#wait`, Date.now())
  return calls <= MAX_WAITS_PER_MINUTE
}

/** Left of Lambda's time for the response. */
const RESPONSE_MS = 2_000
/** API Gateway times out after 29 s. */
const MAX_WAIT_SECONDS = 25

/** Returns how long a status request waits for the end of the task, in milliseconds. */
function waitOf({ lastValues: { wait = '0' }, context }: WebhookRequest): number {
  const seconds = /^\d{1,2}$/.test(wait) ? Number(wait) : Number.NaN
  if (!(seconds <= MAX_WAIT_SECONDS)) throw invalidInput('wait', `must be between 0 and ${MAX_WAIT_SECONDS} seconds`)
  return Math.min(seconds * 1_000, context.getRemainingTimeInMillis() - RESPONSE_MS)
}
