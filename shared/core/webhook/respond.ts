import type { Context } from 'aws-lambda'
import { audit, auditedCall } from '../../audit.ts'
import type { WebhookResponse } from '../../http/response.ts'
import { log } from '../../log.ts'
import { passed, verdictOf } from '../../outcome.ts'
import type { Category } from '../../providers/category.ts'
import type { Call } from '../call.ts'
import { runSilently, startsTask } from '../silent/handler.ts'
import { acceptCall } from '../task/accept.ts'
import { startTask } from '../task/start-execution.ts'
import { isForwarded } from './forwarded.ts'
import { json, outcomeResponse } from './responses.ts'

/** Carries a call out, or starts its task, and returns the response. */
export async function respond(
  category: Category,
  call: Call,
  categoryUrl: string,
  context: Context,
): Promise<WebhookResponse> {
  audit.add(auditedCall(call))
  log.appendKeys({
    caller: call.caller,
    action: call.action,
    connection: call.connection,
    provider: call.provider,
    mode: call.mode,
    mappedName: call.mappedName,
    eventId: call.event.id,
    context: call.event.context,
  })
  if (call.mode === 'silent') {
    const outcome = await runSilently(category, call, context)
    audit.add({ outcome: verdictOf(outcome) })
    log.appendKeys({ outcome: { status: outcome.status, result: outcome.result } })
    return outcomeResponse(outcome, startsTask(call) ? { 'x-task-id': String(outcome.data['id']) } : {})
  }
  // The orchestrator itself sends started for each approval, and finished for those that the event decides.
  if (call.skip?.isAutomatic && !call.sendStarted && !call.dryRun && !call.gate) {
    if (call.refusal) throw call.refusal
    const { message, result } = call.skip
    const outcome = passed(
      `${message}. The orchestrator decides this approval itself: the approval was not requested, and no event is sent`,
    )
    audit.add({ outcome: result })
    return json(200, { ...outcome, result })
  }
  if (call.gate) {
    // Loaded when used: other calls do not need it.
    const [{ runGate }, { closedResponse, gateResponse }] = await Promise.all([
      import('../task/gate.ts'),
      import('./gate-response.ts'),
    ])
    let isRepeat = true
    const start = (gateCall: Call) => {
      isRepeat = false
      return startTask(gateCall, () => context.getRemainingTimeInMillis())
    }
    const gate = runGate(call, call.gate, start).finally(() => {
      if (isRepeat && call.repeatRefusal) throw call.repeatRefusal
    })
    const status = await gate.catch((error: unknown) => {
      const response = closedResponse(error)
      audit.add({ refusal: error })
      return response
    })
    if (status && 'statusCode' in status) return status
    audit.add({ taskId: status?.taskId, outcome: status?.verdict ?? 'ignored' })
    log.appendKeys({ taskId: status?.taskId, verdict: status?.verdict })
    return gateResponse(status, call.gate)
  }
  // Loaded when used: only agents need it. One that also calls without MCP has the same keys.
  if ((call.isOfAgent || isForwarded(context)) && !call.refusal)
    await (await import('./call-key.ts')).requireUnusedKey(call)
  const { taskId, duplicate } = await acceptCall(call, () => context.getRemainingTimeInMillis())
  audit.add({ taskId, outcome: duplicate ? 'duplicate' : 'accepted' })
  log.appendKeys({ taskId, duplicate })
  return json(202, { taskId, statusUrl: `${categoryUrl}/tasks/${taskId}`, duplicate })
}
