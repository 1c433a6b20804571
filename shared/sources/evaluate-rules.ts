import { jmespathReason } from '../jmespath-reason.ts'
import { isRecord } from '../record.ts'
import { type Alert, type AlertsRead, readAlerts, type UnusableAlert } from './alerts.ts'
import { loadSourceType, type SourceTypeName } from './load-source-type.ts'
import type { Notification } from './read-notification.ts'
import type { AlertRule } from './rules.ts'
import type { Alerts, SourceType } from './source-type.ts'

/** The effect of a rule on an alert. */
export interface RuleResult {
  rule: string
  /** The position of the alert in the notification. */
  alert: number
  /** Absent if the alert cannot be identified. */
  key?: string
  /** Undefined for other changes, such as an acknowledgment. */
  state: 'firing' | 'resolved' | undefined
  /** When its state changed, in epoch milliseconds. Absent if a key is never used again. */
  at?: number | undefined
  /** The key that an earlier version of this software has stored. */
  formerKey?: string | undefined
  /** The call that the rule makes. */
  call?: RuleCall
  /** Why it makes none, in words for the author of the rule. It contains no values of the notification. */
  reason?: string
  /** The rule or the notification has to be corrected. */
  isProblem?: true
}

/** A call of a rule. Its action and connection are those of the rule. */
export interface RuleCall {
  rule: string
  input: Record<string, unknown>
  /** The value of the group. */
  group?: string
}

/** Calls larger than this do not fit in a message. */
const MAX_INPUT_BYTES = 100_000
const MAX_GROUP = 300

/**
 * Evaluates the rules of a source on a notification.
 *
 * @param source the name and type of the source
 * @returns one result for each rule and alert. Never throws because of what an expression does
 * @throws Failure `invalid` for too many alerts
 */
export async function evaluateSourceRules(
  rules: readonly AlertRule[],
  source: { name: string; type: SourceTypeName },
  notification: Notification,
): Promise<RuleResult[]> {
  const type = await loadSourceType(source.type)
  const { JMESPathError, search } = await import('@aws-lambda-powertools/jmespath')
  const evaluate: Evaluate = (path, expression, data) => {
    try {
      return search(expression, data as Parameters<typeof search>[1])
    } catch (error) {
      if (!(error instanceof JMESPathError)) throw error
      throw new RuleError(`${path} cannot be evaluated: ${jmespathReason(error)}.`)
    }
  }
  const own = rules
    .map((rule, index) => ({ rule, path: `rules.${index}` }))
    .filter(({ rule }) => rule.source === source.name)
  const read = new Map<string, AlertsRead>()
  const results: RuleResult[] = []
  for (const { rule, path } of own) {
    const id = JSON.stringify([rule.each, rule.key])
    const { alerts, unusable } = read.get(id) ?? (await readAlerts(typeFor(type, rule), notification))
    read.set(id, { alerts, unusable })
    results.push(
      ...unusable.map((alert) => resultOf(rule, path, alert, evaluate)),
      ...alerts.map((alert) => resultOf(rule, path, alert, evaluate)),
    )
  }
  return results
}

/** @throws RuleError */
type Evaluate = (path: string, expression: string, data: Record<string, unknown>) => unknown

/** Returns the type of a source with the list and the key of a rule. */
function typeFor(type: SourceType, { each, key }: AlertRule): SourceType {
  if (each === undefined && key === undefined) return type
  const base: Alerts = type.alerts ?? { firing: '`true`', key: key ?? '' }
  // A key of a rule is the same in both versions.
  const { formerKey: _, ...others } = base
  return {
    ...type,
    alerts: { ...(key === undefined ? base : { ...others, key }), ...(each === undefined ? {} : { each }) },
  }
}

function resultOf(rule: AlertRule, path: string, alert: Alert | UnusableAlert, evaluate: Evaluate): RuleResult {
  const { index, state, data = {} } = alert
  const identity = 'key' in alert ? { key: alert.key, at: alert.at, formerKey: alert.formerKey } : {}
  const result = { rule: rule.name, alert: index, state, ...identity }
  const evaluateField = (field: string, expression: string) => evaluate(`${path}.${field}`, expression, data)
  try {
    // Otherwise, no rule would say that it cannot be read.
    if ('problem' in alert && alert.data === undefined) throw new RuleError(`${path}: ${alert.problem}`)
    const mismatch = findMismatch(rule, state, (expression) => evaluateField('on', expression))
    if (mismatch !== undefined) return { ...result, reason: mismatch }
    if ('problem' in alert) throw new RuleError(`${path}: ${alert.problem}`)
    const input = inputOf(path, rule.input === undefined ? {} : evaluateField('input', rule.input))
    const group = rule.group && groupOf(path, evaluateField('group.by', rule.group.by))
    const call = { rule: rule.name, input, ...(group === undefined ? {} : { group }) }
    // A rule that closes something says by itself that the alert has ended.
    return { ...result, state: rule.closes === undefined ? (state ?? 'firing') : 'resolved', call }
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    return { ...result, reason: error.message, isProblem: true }
  }
}

/** A rule does not fit to a notification. */
class RuleError extends Error {}

function findMismatch(
  { on, closes }: AlertRule,
  state: Alert['state'],
  evaluate: (expression: string) => unknown,
): string | undefined {
  if (on === undefined) {
    const expected = closes === undefined ? 'firing' : 'resolved'
    return state === expected ? undefined : `The alert is ${state ?? 'neither firing nor resolved'}, not ${expected}.`
  }
  const found = evaluate(on)
  if (found === true) return undefined
  const shown = typeof found === 'boolean' || found === null ? String(found) : `a ${typeof found}`
  return `"on" is ${shown}, not true.`
}

/** @throws RuleError */
function inputOf(path: string, found: unknown): Record<string, unknown> {
  if (!isRecord(found)) throw new RuleError(`${path}.input must return an object, such as {title: labels.alertname}.`)
  // A field that the notification does not have is omitted.
  const input = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null))
  const size = Buffer.byteLength(JSON.stringify(input))
  if (size > MAX_INPUT_BYTES)
    throw new RuleError(`${path}.input returns ${size} bytes. Select less: at most ${MAX_INPUT_BYTES} are possible.`)
  return input
}

/** @throws RuleError */
function groupOf(path: string, found: unknown): string {
  const isUsable = (typeof found === 'string' && found.length <= MAX_GROUP) || typeof found === 'number'
  if (isUsable) return String(found)
  throw new RuleError(`${path}.group.by must return a text of at most ${MAX_GROUP} characters, or a number.`)
}
