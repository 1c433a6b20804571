import * as z from 'zod/mini'
import { canonicalJson } from '../../../../shared/canonical-json.ts'
import { Failure } from '../../../../shared/errors.ts'
import { subjectOf, taskKindOf } from '../../../../shared/orchestrators/event/task-type.ts'
import { isRecord } from '../../../../shared/record.ts'
import { webhookYaml } from '../../../sandbox/keptn/config/entry.ts'
import { optionalParts, PLACEHOLDER_URL, type Subscription } from '../../../sandbox/keptn/config/payload.ts'
import { receivedForm } from '../../../sandbox/keptn/config/verify-payload.ts'
import { describeWarning } from '../../../sandbox/keptn/mode-warnings.ts'
import type { CodeText, DraftCall } from './draft-call.ts'

/**
 * Returns a webhook.yaml whose subscription makes the call. The event provides its id, context, project, stage and service.
 *
 * @throws Failure `invalid`, UsageError if Keptn cannot make the call
 */
export function keptnWebhook(call: DraftCall): CodeText {
  const subscription = subscriptionOf(call)
  const { task, suffix } = subscription
  const { form, warnings } = receivedForm(subscription, { ...EVENT, type: `sh.keptn.event.${task}.${suffix}` })
  const changed = changedFields(subscription, call.body['input'], form['input'])
  const notes = [
    ...(changed.length === 0 ? [] : [`Keptn sends only text, which changes ${changed.join(', ')}.`]),
    ...warnings.map(describeWarning),
  ]
  return { text: webhookYaml(subscription), note: notes.join(' ') }
}

function subscriptionOf({ action, options, body }: DraftCall): Subscription {
  // Keptn sends the started event, and the id of the event identifies the call.
  const { mode = 'silent', connection, deadline, when, key: _, sendStarted: __, ...others } = options
  if (mode !== 'silent' && mode !== 'interactive')
    throw new Failure('invalid', 'Keptn does not repeat a call until its gate opens. Select the mode interactive.')
  const type = String(body['type'] ?? '')
  const kind = taskKindOf(type)
  const suffix = kind === 'started' || kind === 'finished' ? kind : 'triggered'
  if (suffix !== 'triggered' && mode === 'interactive')
    throw new Failure('invalid', `Keptn waits for no answer to a ${suffix} event. Select the mode silent.`)
  const subscription: Subscription = {
    action,
    suffix,
    mode,
    connection,
    deadline,
    when,
    task: subjectOf(type) ?? action.name,
    url: PLACEHOLDER_URL,
    input: isRecord(body['input']) ? body['input'] : action.action && {},
    options: Object.fromEntries(Object.entries(others).flatMap(([name, value]) => (value ? [[name, value]] : []))),
  }
  const data = Object.keys(Object(body['data'])).map(
    (name) => `data.${/problem|incident/i.test(name) ? 'problem' : name}`,
  )
  return { ...subscription, only: optionalParts(subscription).filter((part) => data.includes(part)) }
}

const EVENT = { id: 'an-id', shkeptncontext: 'a-context', data: { project: 'demo', stage: 'test', service: 'shop' } }

/** Returns the fields of the input that the receiver would read differently. */
function changedFields({ action }: Subscription, input: unknown, received: unknown): string[] {
  const read = (value: unknown) => (action.action ? z.safeParse(action.action.input, value).data : value)
  const sent = read(input)
  // The receiver refuses an invalid input in any case.
  if (!isRecord(sent)) return []
  const other = Object(read(received ?? {}))
  return Object.keys(sent).filter((name) => canonicalJson(sent[name]) !== canonicalJson(other[name]))
}
