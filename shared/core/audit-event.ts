import type { DurableContext } from '@aws/durable-execution-sdk-js'
import type { AuditRecord } from '../audit.ts'
import { putEvent } from '../aws/event-bridge.ts'
import { messageOf } from '../errors.ts'
import { log } from '../log.ts'
import { toMaskedJson } from '../redact.ts'
import { settings } from '../settings.ts'
import type { Task } from './call.ts'

/** The detail type of the events. */
export const AUDIT_EVENT = 'Action ended'
/** The caller of a silent call waits. */
const WEBHOOK_TIMEOUT_MS = 1_000
const TASK_TIMEOUT_MS = 3_000

/**
 * Sends an audit record to the event bus of the account, if the setting `auditEvents` is on.
 *
 * Does not throw: an event that cannot be sent changes nothing for the caller, and the log has the record.
 *
 * @param record undefined if the line is not a record
 */
export async function sendAuditEvent(record: AuditRecord | undefined, timeoutMs = WEBHOOK_TIMEOUT_MS): Promise<void> {
  const source = settings.auditEventSource
  if (record === undefined || source === undefined) return
  try {
    await putEvent({ source, detailType: AUDIT_EVENT, detail: toMaskedJson(record) }, timeoutMs)
  } catch (error) {
    log.error('audit event not sent', { auditId: record.auditId, reason: messageOf(error) })
  }
}

/** Sends the audit record of a task in a step. The payload decides, because a replay must take the same steps. */
export async function sendAuditEventOf(
  { auditEvents }: Task,
  record: AuditRecord | undefined,
  context: DurableContext,
): Promise<void> {
  if (auditEvents && record) await context.step('audit-event', () => sendAuditEvent(record, TASK_TIMEOUT_MS))
}
