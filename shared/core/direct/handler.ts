import type { Context } from 'aws-lambda'
import { audit, auditedCall } from '../../audit.ts'
import type { Caller } from '../../auth/callers.ts'
import { kindOf } from '../../errors.ts'
import { log } from '../../log.ts'
import { type Outcome, verdictOf } from '../../outcome.ts'
import type { Category } from '../../providers/category.ts'
import { clearSecrets } from '../../redact.ts'
import { setTraceparent } from '../../traceparent.ts'
import { sendAuditEvent } from '../audit-event.ts'
import { findRunOfTask } from '../find-run-of-task.ts'
import { logCause } from '../log-cause.ts'
import { runSilently } from '../silent/handler.ts'
import { acceptCall } from '../task/accept.ts'
import { type DirectCall, describeError, readDirectCall } from './read-direct-call.ts'

/** The outcome of a silent call, or the id of the task of an interactive call. */
export type DirectResult = Outcome | { taskId: string; duplicate: boolean }

/**
 * Handles an invocation of a webhook function by a state machine, an EventBridge rule, a schedule or another function. IAM
 * authenticates it: a principal that may invoke the function can act as any of the callers.
 *
 * @example
 * { "action": "open-issue", "id": "order-7", "input": { "title": "Checkout is slow" } }
 * @example
 * { "action": "start-test", "caller": "releases", "taskToken.$": "$$.Task.Token", "input": { "target": "checkout" } }
 * @throws Error with one of `ERROR_NAMES`
 */
export async function handleDirectCall(
  category: Category,
  payload: DirectCall,
  context: Context,
): Promise<DirectResult> {
  try {
    return await auditDirectCall(category, payload, context)
  } catch (error) {
    throw directError(error)
  }
}

/**
 * Handles an invocation, and writes its audit record.
 *
 * @param readCaller reads the caller; undefined for the one that the payload names
 * @throws the error of the call
 */
export async function auditDirectCall(
  category: Category,
  payload: DirectCall,
  context: Context,
  readCaller?: () => Promise<Caller>,
): Promise<DirectResult> {
  const startedAt = Date.now()
  clearSecrets()
  setTraceparent(undefined)
  audit.start({ operation: 'call', category: category.name, requestId: context.awsRequestId })
  try {
    const result = await runDirectCall(category, payload, context, readCaller)
    await sendAuditEvent(audit.write(Date.now() - startedAt))
    logCall(context, startedAt)
    return result
  } catch (error) {
    logCause(error)
    await sendAuditEvent(audit.write(Date.now() - startedAt, error))
    logCall(context, startedAt, { kind: kindOf(error), reason: describeError(error).message })
    throw error
  }
}

async function runDirectCall(
  category: Category,
  payload: DirectCall,
  context: Context,
  readCaller: (() => Promise<Caller>) | undefined,
): Promise<DirectResult> {
  const call = await readDirectCall(category, payload, { findRunOfTask, readCaller })
  const { caller, action, connection, provider, mode, event } = call
  audit.add(auditedCall(call))
  log.appendKeys({ caller, action, connection, provider, mode, eventId: event.id, context: event.context })
  if (mode === 'silent') {
    const outcome = await runSilently(category, call, context)
    audit.add({ outcome: verdictOf(outcome) })
    return outcome
  }
  // Loaded when used: only agents need it.
  if (call.isOfAgent && !call.refusal) await (await import('../webhook/agent-key.ts')).requireUnusedKey(call)
  const started = await acceptCall(call, () => context.getRemainingTimeInMillis())
  audit.add({ taskId: started.taskId, outcome: started.duplicate ? 'duplicate' : 'accepted' })
  log.appendKeys(started)
  return started
}

/** Returns the error that Lambda reports to the invoker. A state machine sees its name. */
function directError(error: unknown): Error {
  const { name, message } = describeError(error)
  const thrown = new Error(message)
  thrown.name = name
  // It would name files of the function.
  thrown.stack = `${name}: ${message}`
  return thrown
}

function logCall({ awsRequestId: requestId }: Context, startedAt: number, failure: object = {}): void {
  log.info('direct call', { ms: Date.now() - startedAt, requestId, ...failure })
  log.resetKeys()
}
