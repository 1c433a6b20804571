import type { AlertMessage } from '../events/queue.ts'
import { declaredRules } from '../sources/declared.ts'
import type { RuleCall } from '../sources/evaluate-rules.ts'
import type { AlertRule } from '../sources/rules.ts'
import { type AlertCall, readAlertCall, readLaterCall, saveEndedCall, saveLaterCall } from '../state/alert-calls.ts'
import { readAlertTimes, saveAlertTimes } from '../state/alerts.ts'
import { isOpen, type Transition, transitionOf } from './alert-times.ts'
import { callKeyOf, digestOf } from './call-key.ts'
import { callOnce, logSkipped, type MadeCall } from './call-once.ts'
import { callWebhook } from './call-webhook.ts'
import { takePlace } from './group.ts'
import { RefusedCall, RetryLater } from './results.ts'

/** More attempts mean that many notifications about one alert arrive at the same time. */
const MAX_SAVES = 5
/** Until the call that opens something has an outcome. */
const OPENING_PAUSE_SECONDS = 5

/**
 * Makes the calls of an alert. Handling the same alert again, after a crash or a repeated notification, changes nothing.
 *
 * @param hasTime returns whether the function has time for another call
 * @throws RetryLater if the alert has to be handled again; Refused if all of its calls were made, except those that were refused; the
 * error of DynamoDB
 */
export async function handleAlert(message: AlertMessage, hasTime: () => boolean): Promise<void> {
  const alert = await withKnownKey(message)
  const { occurrence, reopened } = await recordAlert(alert)
  const calls = alert.calls.map((call) => ({ of: alert, call, occurrence }))
  if (reopened !== undefined) calls.push(...(await callsOf(alert, reopened)))
  const problems: string[] = []
  let waiting: RetryLater | undefined
  for (const { of, call, occurrence } of calls) {
    if (!hasTime()) throw new RetryLater('The function has no time left for the other calls.')
    try {
      await makeCall(of, call, occurrence)
    } catch (error) {
      // The other rules do not depend on it: a call may wait for people for days.
      if (error instanceof RetryLater) waiting ??= error
      else if (!(error instanceof RefusedCall)) throw error
      problems.push(`${call.rule}: ${error.message}`)
    }
  }
  if (waiting) throw new RetryLater(problems.join(' '), waiting.after)
  if (problems.length > 0) throw new RefusedCall(problems.join(' '))
}

/** Returns the alert with the key of an earlier version, without a time, if it fires under that key. */
async function withKnownKey({ formerKey, ...alert }: AlertMessage): Promise<AlertMessage> {
  if (formerKey === undefined) return alert
  const former = await readAlertTimes(alert.source, digestOf(formerKey))
  return former && isOpen(former) ? { ...alert, key: formerKey, at: undefined } : alert
}

/** Records that an alert has started or ended. Returns what this means. */
async function recordAlert(alert: AlertMessage): Promise<Transition> {
  const { source, key, state, at = 0 } = alert
  const digest = digestOf(key)
  for (let saves = 0; saves < MAX_SAVES; saves++) {
    const before = await readAlertTimes(source, digest)
    const transition = transitionOf(before ?? {}, { state, at })
    const { times, isLaterStart } = transition
    // Before it is recorded: an end that makes it an occurrence makes its calls.
    if (isLaterStart) await saveForLater(alert, at)
    const isSame = (['opened', 'closed', 'newest'] as const).every((name) => before?.[name] === times[name])
    if ((before && isSame && !before.isExpiring) || (await saveAlertTimes(source, digest, before, times)))
      return transition
  }
  throw new RetryLater('Other notifications about the alert are being handled.', 1)
}

/** Stores the calls of a later start, which counts as a repeat unless an end from before arrives. */
async function saveForLater(alert: AlertMessage, at: number): Promise<void> {
  for (const call of alert.calls) await saveLaterCall(alert.source, digestOf(callKeyOf(alert, call.rule, at)), call)
}

/** Returns the calls of a start that counted as a repeat, and is an occurrence of its own. */
async function callsOf(ended: AlertMessage, occurrence: number) {
  const of: AlertMessage = { ...ended, state: 'firing', at: occurrence }
  const rules = declaredRules().filter(({ source, closes }) => source === ended.source && closes === undefined)
  const calls = await Promise.all(
    rules.map(({ name }) => readLaterCall(of.source, digestOf(callKeyOf(of, name, occurrence)), name)),
  )
  return calls.filter((call) => call !== undefined).map((call) => ({ of, call, occurrence }))
}

async function makeCall(
  alert: AlertMessage,
  { rule: name, input, group }: RuleCall,
  occurrence: number | undefined,
): Promise<void> {
  const rule = declaredRules().find((declared) => declared.name === name)
  if (rule === undefined) throw new RefusedCall('events.yaml has no rule of this name.')
  if (occurrence === undefined) return logSkipped(rule, alert.state === 'firing' ? 'ended' : 'not open')
  if (rule.closes !== undefined) return close(alert, rule, input, occurrence)
  const callKey = callKeyOf(alert, rule.name, occurrence)
  if (rule.group && group !== undefined && !(await takePlace(alert.source, rule.name, rule.group, group, callKey)))
    return logSkipped(rule, 'in a group')
  await callOnce(alert.source, rule, callKey, input)
}

/** Makes the closing call, if the call that it closes has opened something. */
async function close(
  alert: AlertMessage,
  rule: AlertRule,
  input: RuleCall['input'],
  occurrence: number,
): Promise<void> {
  const opening = declaredRules().find(({ name }) => name === rule.closes)
  if (opening === undefined) return logSkipped(rule, 'nothing opened')
  const opened = await readOpening(alert, opening, occurrence)
  if (opened === undefined) return logSkipped(rule, 'nothing opened')
  if (opened.taskId === undefined)
    throw new RetryLater('The call that opens it is not accepted yet.', OPENING_PAUSE_SECONDS)
  const { category }: MadeCall = JSON.parse(opened.call)
  const id = await openedBy(alert.source, category, opened.taskId)
  if (id === undefined) return logSkipped(rule, 'nothing opened')
  await callOnce(alert.source, rule, callKeyOf(alert, rule.name, occurrence), { ...input, id })
}

/**
 * Returns the call that opens something for an alert that has ended. If it is not stored, or was refused, it is not made later either:
 * nothing would close what it opens. Returns undefined then.
 */
async function readOpening(
  alert: AlertMessage,
  { name }: AlertRule,
  occurrence: number,
): Promise<AlertCall | undefined> {
  const digest = digestOf(callKeyOf({ ...alert, state: 'firing' }, name, occurrence))
  if (await saveEndedCall(alert.source, digest)) return undefined
  const stored = await readAlertCall(alert.source, digest)
  return stored?.isEnded || stored?.isGrouped ? undefined : stored
}

/** Returns the id in the outcome of a task. Undefined if the task has ended without one. */
async function openedBy(source: string, category: string, taskId: string): Promise<string | undefined> {
  const result = await callWebhook(category, { source, taskId })
  if (!('status' in result)) throw new RetryLater('The status of the task that opens it cannot be read.')
  const { state, outcome } = result.status
  if (state === 'running') throw new RetryLater('The task that opens it is running.')
  const id = outcome?.data['id']
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}
