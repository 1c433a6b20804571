import { log } from '../log.ts'
import type { AlertRule } from '../sources/rules.ts'
import { saveRefusalOfCall, saveTaskOfCall, storeCall } from '../state/alert-calls.ts'
import { digestOf } from './call-key.ts'
import { callWebhook } from './call-webhook.ts'
import { RefusedCall, RetryLater } from './results.ts'

/** A call as it is stored before it is made. */
export interface MadeCall {
  category: string
  action: string
  connection?: string | undefined
  input: Record<string, unknown>
}

/**
 * Makes a call once.
 *
 * @param callKey identifies it within the source
 * @throws RetryLater, Refused
 */
export async function callOnce(
  source: string,
  rule: AlertRule,
  callKey: string,
  input: MadeCall['input'],
): Promise<void> {
  const digest = digestOf(callKey)
  const [category = '', action = ''] = rule.call.split('/')
  const made: MadeCall = { category, action, connection: rule.connection, input }
  const stored = await storeCall(source, digest, JSON.stringify(made))
  if (stored.taskId !== undefined) return
  if (stored.isEnded) return logSkipped(rule, 'ended')
  if (stored.isGrouped) return logSkipped(rule, 'in a group')
  const { category: called, ...call }: MadeCall = JSON.parse(stored.call)
  try {
    const result = await callWebhook(called, { source, id: `${rule.name}/${digest}`, ...call })
    if (!('taskId' in result)) throw new RetryLater('The webhook returned no task.')
    await saveTaskOfCall(source, digest, result.taskId)
    log.info('alert called', { rule: rule.name, category: called, action: call.action, taskId: result.taskId })
  } catch (error) {
    if (error instanceof RefusedCall) await saveRefusalOfCall(source, digest, stored.call)
    throw error
  }
}

/** Logs why a rule makes no call for an alert. */
export function logSkipped({ name: rule }: AlertRule, reason: string): void {
  log.info('alert not called', { rule, reason })
}
