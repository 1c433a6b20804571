import { formatDuration } from '../../../../shared/duration.ts'
import type { EventsFile } from '../../../../shared/sources/events-file.ts'
import type { AlertRule } from '../../../../shared/sources/rules.ts'
import type { AlertLogLine } from '../../alert-log.ts'
import type { QueueLengths } from '../../queue-lengths.ts'
import type { TriedCall } from '../../try-rules.ts'
import type { CallResult } from './call-results.ts'

/** The rules for alerts, and the last notifications. Times are milliseconds since 1970. */
export interface AlertsView {
  rules: AlertRuleView[]
  sources: { name: string; type: string; stored: number }[]
  /** Newest first. */
  notifications: NotificationSummary[]
  /** Undefined for a deployed stack. */
  queue?: QueueLengths
  /** The log lines about alerts since the start of the runtime, newest first. Undefined for a deployed stack. */
  log?: LoggedAlert[]
  /** A file to start with, if there are no rules. */
  example?: string | undefined
  /** The text of events.yaml, to try changes on. Undefined for a deployed stack. */
  text?: string
  /** A body to start with. Undefined for a deployed stack. */
  body?: string
  /** A deployed stack has no notifications. */
  notice?: string
}

/** A line of the log. */
export interface LoggedAlert extends AlertLogLine {
  at: number
}

export interface AlertRuleView {
  name: string
  source: string
  /** JMESPath. Undefined for the start of an alert, or its end if the rule closes something. */
  on: string | undefined
  /** JMESPath. Undefined for the list of the source's type. */
  each: string | undefined
  /** `issue-ticketing/open-issue` */
  call: string
  connection: string
  /** The rule that opened what it closes. */
  closes: string | undefined
  /** The limit of its group, in words. */
  limit: string
}

/** A notification in the list. */
export interface NotificationSummary {
  id: number
  source: string
  at: number
  /** The sender's name for what happened. Empty if it is not known. */
  event: string
  /** `2 calls`, `No call`, `1 problem`. Empty for a large one, which is evaluated when it is opened. */
  effect: string
  hasProblem: boolean
}

/** A notification with the effects of the rules. */
export interface NotificationDetail {
  id: number
  source: string
  at: number
  headers: Record<string, string>
  /** JSON. */
  body: string
  tried: TriedView
}

/** The effects of rules on a notification, or why it cannot be read. */
export interface TriedView {
  problem: string
  event: string
  results: TriedResultView[]
  /** How many results are not shown. */
  more: number
}

export interface TriedResultView {
  rule: string
  /** The position of the alert in the notification. */
  alert: number
  state: string
  key: string
  call: TriedCall | undefined
  /** The task of the call. Undefined if the notification was only tried. */
  result: CallResult | undefined
  /** Why there is no call. */
  reason: string
  isProblem: boolean
}

/** Like the first example of docs/alerts.md. */
const EXAMPLE = `sources:
  alerts: { type: alertmanager }
rules:
  - name: open
    source: alerts
    call: issue-ticketing/open-issue
    input: "{title: labels.alertname, description: annotations.description}"
  - name: close
    source: alerts
    call: issue-ticketing/close-issue
    input: "{comment: 'The alert has ended.'}"
    closes: open
`

/** Describes the rules and the sources. */
export function describeEvents(
  { sources, rules = [] }: EventsFile,
  stored: ReadonlyMap<string, number> = new Map(),
): Pick<AlertsView, 'rules' | 'sources' | 'example'> {
  return {
    example: rules.length === 0 ? EXAMPLE : undefined,
    rules: rules.map(ruleView),
    sources: Object.entries(sources).map(([name, { type }]) => ({ name, type, stored: stored.get(name) ?? 0 })),
  }
}

function ruleView({ name, source, on, each, call, connection = 'default', closes, group }: AlertRule): AlertRuleView {
  const limit =
    group && `At most ${group.max} in ${formatDuration(group.per)} for the same ${group.by}, and one for all others`
  return { name, source, on, each, call, connection, closes, limit: limit ?? '' }
}
