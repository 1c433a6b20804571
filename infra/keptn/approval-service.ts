import { isObject, type KeptnEvent, replyTo, taskEvent } from './events.ts'

const source = 'approval-service'

/** What approval-service does with a trigger: it decides itself, or a person has to. */
type Decision = 'pass' | 'warning' | 'fail' | 'manual'

/** An approval after a failed task fails; else data.approval says for each result whether a person is asked (protocol section 6). */
function decide({ data }: KeptnEvent): Decision {
  const result = data['result'] === 'fail' ? 'fail' : data['result'] === 'warning' ? 'warning' : 'pass'
  if (result === 'fail') return 'fail'
  const approval = isObject(data['approval']) ? data['approval'] : {}
  return approval[result] === 'automatic' ? result : 'manual'
}

/**
 * Keptn's own approval-service, which runs in every Keptn by default: it sends `approval.started` for each trigger and
 * `approval.finished` for those that no person decides (protocol section 2).
 */
export async function approve(triggered: KeptnEvent, send: (event: KeptnEvent) => Promise<void>): Promise<void> {
  if (!isApproval(triggered)) return
  await send(replyTo(triggered, 'started', source))
  const decision = decide(triggered)
  if (decision === 'manual') return
  const message = decision === 'fail' ? 'the task before failed: not approved' : 'approved automatically'
  await send(replyTo(triggered, 'finished', source, { status: 'succeeded', result: decision, message }))
}

function isApproval({ type }: KeptnEvent): boolean {
  const event = taskEvent(type)
  return event?.task === 'approval' && event.kind === 'triggered'
}
