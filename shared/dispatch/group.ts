import { type GroupMessage, queueGroup } from '../events/queue.ts'
import { jmespathReason } from '../jmespath-reason.ts'
import { isRecord } from '../record.ts'
import { declaredRules } from '../sources/declared.ts'
import type { AlertGroup, AlertRule } from '../sources/rules.ts'
import { readAlertCall, saveCountedCall, saveGroupedCall } from '../state/alert-calls.ts'
import { countOther, readGroup, saveGroupQueued, startOfPeriod, takeGroupPlace } from '../state/alert-groups.ts'
import { digestOf } from './call-key.ts'
import { callOnce, type MadeCall } from './call-once.ts'
import { RefusedCall, RetryLater } from './results.ts'

/**
 * Returns whether a call of a group is made: in each period, only the first ones are. The others are counted, and get one call together
 * when the period has ended. A repeated notification takes no other place, and is not counted again.
 *
 * @param value of the group
 * @param callKey identifies the call
 * @throws the error of DynamoDB or SQS
 */
export async function takePlace(
  source: string,
  rule: string,
  { max, per }: AlertGroup,
  value: string,
  callKey: string,
): Promise<boolean> {
  const member = digestOf(callKey)
  const known = await readAlertCall(source, member)
  if (known && !known.isGrouped) return true
  if (known && known.countedIn === undefined) return false
  const start = known?.countedIn ?? (await startOfPeriod(source, digestOf(JSON.stringify([rule, value])), per * 1_000))
  const message: GroupMessage = { source, rule, group: value, start }
  const digest = digestOfGroup(message)
  if (!known) {
    // A retry in the next period is a new member there, and its call is the same.
    if (await takeGroupPlace(source, digest, member, max)) return true
    // Before it is counted: a retry in the next period would count it there, too.
    await saveGroupedCall(source, member, start)
  }
  const { isQueued } = await countOther(source, digest, member)
  if (!isQueued) {
    await queueGroup(message)
    await saveGroupQueued(source, digest)
  }
  await saveCountedCall(source, member)
  return false
}

/**
 * Makes the call for the alerts of a group that made none of their own, when the period has ended.
 *
 * @throws RetryLater until then; Refused; the error of DynamoDB
 */
export async function endGroup(message: GroupMessage): Promise<void> {
  const { source, group, start } = message
  const rule = declaredRules().find(({ name }) => name === message.rule)
  if (rule?.group === undefined)
    throw new RefusedCall(`${message.rule}: events.yaml has no rule of this name with a group.`)
  const secondsLeft = Math.ceil((start + rule.group.per * 1_000 - Date.now()) / 1_000)
  if (secondsLeft > 0) throw new RetryLater('The period of the group has not ended.', secondsLeft)
  const { more } = await readGroup(source, digestOfGroup(message))
  const input = await inputOf(rule, { group, more })
  await callOnce(source, rule, JSON.stringify([rule.name, 'group', group, start]), input)
}

/** @throws Refused */
async function inputOf({ name, group }: AlertRule, data: { group: string; more: number }): Promise<MadeCall['input']> {
  const { JMESPathError, search } = await import('@aws-lambda-powertools/jmespath')
  try {
    const input = group && search(group.input, data)
    if (isRecord(input)) return input
  } catch (error) {
    if (!(error instanceof JMESPathError)) throw error
    throw new RefusedCall(`${name}: group.input cannot be evaluated: ${jmespathReason(error)}.`)
  }
  throw new RefusedCall(`${name}: group.input must return an object, such as {title: to_string(more)}.`)
}

function digestOfGroup({ rule, group, start }: GroupMessage): string {
  return digestOf(JSON.stringify([rule, group, start]))
}
