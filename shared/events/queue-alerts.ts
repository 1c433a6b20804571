import { log } from '../log.ts'
import { type DeclaredSource, declaredRules } from '../sources/declared.ts'
import { evaluateSourceRules, type RuleCall, type RuleResult } from '../sources/evaluate-rules.ts'
import type { Notification } from '../sources/read-notification.ts'
import { type AlertMessage, queueAlerts } from './queue.ts'

/** More are the same mistake. */
const MAX_LOGGED_PROBLEMS = 10
/** Less than a message of SQS may have: it contains the key, too. */
const MAX_CALLS_BYTES = 1_000_000

/**
 * Evaluates the rules of a source on a notification, and queues the alerts for which they make calls. Nothing else of the notification is
 * stored. A rule that cannot be evaluated is logged and counted, and does not stop the others.
 *
 * @returns the number of calls; undefined if the source has no rules
 * @throws Failure `invalid` for too many alerts; `unavailable`: the sender should send the notification again
 */
export async function queueAlertsOf(
  name: string,
  { type }: DeclaredSource,
  notification: Notification,
): Promise<number | undefined> {
  const rules = declaredRules()
  if (notification.kind === 'first-request' || !rules.some(({ source }) => source === name)) return undefined
  const results = await evaluateSourceRules(rules, { name, type }, notification)
  const problems = results.filter(({ isProblem }) => isProblem)
  const { delivery } = notification
  for (const { rule, alert, reason } of problems.slice(0, MAX_LOGGED_PROBLEMS))
    log.warn('rule not evaluated', { rule, alert, reason, delivery })
  const messages = messagesOf(name, notification, results)
  const calls = messages.reduce((sum, message) => sum + message.calls.length, 0)
  log.appendKeys({ alertCalls: calls, ...(problems.length === 0 ? {} : { ruleProblems: problems.length }) })
  if (calls === 0 && problems.length === 0) log.appendKeys({ unmatched: true })
  await queueAlerts(messages)
  return calls
}

/**
 * Returns one message for each alert. An alert that has ended has one even without calls: if it fires again, that is a new occurrence, and
 * if its start arrives later, it opens nothing.
 */
function messagesOf(source: string, { event, delivery }: Notification, results: readonly RuleResult[]): AlertMessage[] {
  const messages = new Map<string, AlertMessage>()
  for (const { alert, key, state, at, formerKey, call } of results) {
    if (key === undefined || state === undefined || (call === undefined && state === 'firing')) continue
    const id = JSON.stringify([alert, key])
    const message = messages.get(id) ?? { source, event, delivery, key, state, at, formerKey, calls: [] }
    messages.set(id, {
      ...message,
      // A rule that closes something decides that the alert has ended.
      state: state === 'resolved' ? state : message.state,
      calls: call === undefined ? message.calls : [...message.calls, call],
    })
  }
  return [...messages.values()].flatMap(split)
}

/** Splits an alert whose calls do not fit in one message. */
function split(alert: AlertMessage): AlertMessage[] {
  const parts: RuleCall[][] = []
  let bytes = 0
  for (const call of alert.calls) {
    const size = Buffer.byteLength(JSON.stringify(call))
    const part = parts.at(-1)
    if (part && bytes + size <= MAX_CALLS_BYTES) {
      part.push(call)
      bytes += size
    } else {
      parts.push([call])
      bytes = size
    }
  }
  return parts.length <= 1 ? [alert] : parts.map((calls) => ({ ...alert, calls }))
}
