import * as z from 'zod/mini'
import { parseDuration } from '../duration.ts'
import { Failure, type FieldError } from '../errors.ts'
import { optional, withDescription } from '../fields.ts'
import { jmespathProblem } from '../jmespath-problem.ts'
import { validate } from '../validate.ts'

/** Load this module only to read `events.yaml`. Functions get it compiled. */

/** A rule of `events.yaml`: the action that an alert calls. */
export interface AlertRule {
  /** Names the rule in logs, in messages and in `closes`. */
  name: string
  source: string
  /** JMESPath over an alert. Defaults to the start of an alert, or its end if the rule closes something. */
  on?: string | undefined
  /** JMESPath over the body: the list with one alert for each element. Defaults to that of the source's type. */
  each?: string | undefined
  /** `issue-ticketing/open-issue` */
  call: string
  connection?: string | undefined
  /** JMESPath over an alert: an object with the input. */
  input?: string | undefined
  /** JMESPath over an alert: its identity. Defaults to that of the source's type. */
  key?: string | undefined
  /** The rule whose result is closed: the `id` of its outcome is added to the input. */
  closes?: string | undefined
  group?: AlertGroup | undefined
}

/** A limit for the calls of a rule. */
export interface AlertGroup {
  /** JMESPath over an alert: the alerts with the same value are in one group. */
  by: string
  /** How many calls a group makes in each period. One more is made for all others. */
  max: number
  /** The period in seconds. */
  per: number
  /** JMESPath over `group`, the value, and `more`, the number of the other alerts: an object with the input of their call. */
  input: string
}

const MAX_RULES = 200
const MIN_PERIOD_SECONDS = 60
const MAX_PERIOD_SECONDS = 86_400

/** A JMESPath expression. */
export const eventExpression = z.string().check(
  z.maxLength(4_096),
  z.superRefine<string>((text, { addIssue }) => {
    const reason = jmespathProblem(text)
    if (reason !== undefined)
      addIssue({ code: 'custom', message: `must be a JMESPath expression, such as data.id (${reason})` })
  }),
)

const name = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must have 1 to 63 lower-case letters, digits and -'))

const group = z.strictObject({
  by: withDescription(eventExpression, 'JMESPath over the alert: alerts with the same value are in one group'),
  max: withDescription(z.int().check(z.minimum(1), z.maximum(100)), 'How many calls a group makes in each period'),
  per: withDescription(z.string(), 'The period, such as PT1H'),
  input: withDescription(
    eventExpression,
    "JMESPath over group and more: the input of the one call for all others, such as {title: join('', ['And ', to_string(more), ' more'])}",
  ),
})

/** A rule of `events.yaml`, as editors check it. */
export const alertRuleSchema = z.strictObject({
  name: withDescription(name, 'Different for each rule. Keep it: calls are identified by it'),
  source: withDescription(name, 'The source whose alerts it reads'),
  on: withDescription(
    optional(eventExpression),
    "JMESPath over the alert, such as labels.severity == 'critical'. Defaults to state firing, or with closes to resolved",
  ),
  each: withDescription(
    optional(eventExpression),
    "JMESPath over the body: a list with one alert for each element. Defaults to that of the source's type",
  ),
  call: withDescription(
    z
      .string()
      .check(z.regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'must be <category>/<action>, such as issue-ticketing/open-issue')),
    'The action, as <category>/<action>',
  ),
  connection: withDescription(
    optional(z.string().check(z.regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be the name of a connection'))),
    'The connection. Defaults to the default one of the category',
  ),
  input: withDescription(optional(eventExpression), 'JMESPath over the alert, such as {title: labels.alertname}'),
  key: withDescription(
    optional(eventExpression),
    "JMESPath over the alert: what identifies it. Defaults to that of the source's type",
  ),
  closes: withDescription(optional(name), 'The rule that opened what this one closes. Its id is added to the input'),
  group: withDescription(optional(group), 'Limits the calls, for a storm of alerts'),
})

/**
 * Checks a rule of `events.yaml`.
 *
 * @param path `rules.0`
 * @throws Failure `invalid`
 */
export function parseRule(path: string, declared: unknown): AlertRule {
  const rule = validate(alertRuleSchema, declared, { what: 'events.yaml', root: path })
  if (rule.group === undefined) return { ...rule, group: undefined }
  const per = secondsOf(`${path}.group.per`, rule.group.per)
  return { ...rule, group: { ...rule.group, per } }
}

/** @throws Failure `invalid` */
function secondsOf(path: string, text: string): number {
  const seconds = parseDuration(text, path)
  if (seconds >= MIN_PERIOD_SECONDS && seconds <= MAX_PERIOD_SECONDS) return seconds
  const message = 'must be between PT1M and P1D'
  throw new Failure('invalid', `events.yaml: ${path} ${message}`, { errors: [{ path, message }] })
}

/** The types of sources that say what identifies an alert, and whether it starts or ends. */
export const TYPES_WITH_ALERTS: readonly string[] = [
  'alertmanager',
  'aws-sns',
  'datadog',
  'dynatrace',
  'eventbridge',
  'github',
  'gitlab',
  'grafana',
  'incident-io',
  'new-relic',
  'pagerduty',
  'sentry',
  'uptime-kuma',
  'zabbix',
]

/** Finds rules that do not fit together, or to their source. */
export function findRuleErrors(
  rules: readonly AlertRule[],
  sources: Readonly<Record<string, { type: string }>>,
): FieldError[] {
  if (rules.length > MAX_RULES) return [{ path: 'rules', message: `must have at most ${MAX_RULES} rules` }]
  return rules.flatMap((rule, index) => {
    const isNew = rules.findIndex(({ name }) => name === rule.name) === index
    const messages = [
      ...(isNew ? [] : [['name', 'is the name of another rule: name each rule differently']]),
      ...(Object.hasOwn(sources, rule.source)
        ? missingIn(rule, sources[rule.source]?.type ?? '')
        : [['source', `is not declared. Sources: ${Object.keys(sources).join(', ') || 'none'}`]]),
      ...closingErrors(rule, rules),
    ]
    return messages.map(([field, message = '']) => ({ path: `rules.${index}.${field}`, message }))
  })
}

/** Returns the fields that a rule needs because the type of its source does not say it. */
function missingIn({ on, each, key, closes }: AlertRule, type: string): string[][] {
  if (TYPES_WITH_ALERTS.includes(type)) return []
  const reason = `notifications of the type ${type} do not say`
  return [
    ...((each ?? closes) !== undefined && key === undefined
      ? [['key', `is required: ${reason} what identifies an alert`]]
      : []),
    ...(closes !== undefined && on === undefined ? [['on', `is required: ${reason} whether an alert has ended`]] : []),
  ]
}

function closingErrors({ source, closes, each, key }: AlertRule, rules: readonly AlertRule[]): string[][] {
  if (closes === undefined) return []
  const opening = rules.find(({ name }) => name === closes)
  if (opening === undefined) return [['closes', 'is the name of no rule']]
  const fits = opening.source === source && opening.closes === undefined && opening.each === each && opening.key === key
  return fits ? [] : [['closes', 'must name a rule that opens something, with the same source, each and key']]
}
