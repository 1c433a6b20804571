import { isObject, type KeptnEvent, replyTo, taskEvent } from './events.ts'

const source = 'approval-service'

/** Decision of approval-service: a result, or `manual` if it waits for a person. */
export type ApprovalDecision = 'pass' | 'fail' | 'manual'

/**
 * Decides an approval as Keptn's approval-service does. A failed result is never approved. An approval is automatic only
 * if `data.approval` says so for the result; without a result a person decides.
 * @see https://github.com/keptn/keptn/blob/master/approval-service/pkg/handler/approval_triggered_event_handler.go
 */
export function decideApproval(data: KeptnEvent['data']): ApprovalDecision {
  const result = resultOf(data)
  if (result === 'fail') return 'fail'
  const approval = isObject(data['approval']) ? data['approval'] : {}
  const isAutomatic = (result === 'pass' || result === 'warning') && approval[result] === 'automatic'
  return isAutomatic ? 'pass' : 'manual'
}

/** Returns the result of the previous task, or else of the last evaluation. */
function resultOf(data: KeptnEvent['data']): unknown {
  const result = data['result']
  if (result !== undefined && result !== null && result !== '') return result
  return isObject(data['evaluation']) ? data['evaluation']['result'] : undefined
}

/**
 * Simulates Keptn's approval-service, which Keptn runs by default. It sends `approval.started` for each trigger, and
 * `approval.finished` for each automatic decision.
 */
export async function approve(triggered: KeptnEvent, send: (event: KeptnEvent) => Promise<void>): Promise<void> {
  if (!isApproval(triggered)) return
  await send(replyTo(triggered, 'started', source))
  const result = decideApproval(triggered.data)
  if (result === 'manual') return
  await send(replyTo(triggered, 'finished', source, { status: 'succeeded', result }))
}

function isApproval({ type }: KeptnEvent): boolean {
  const event = taskEvent(type)
  return event?.task === 'approval' && event.kind === 'triggered'
}
