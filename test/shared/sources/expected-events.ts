import type { SourceTypeName } from '../../../shared/sources/load-source-type.ts'
import type { Notification } from '../../../shared/sources/read-notification.ts'

export type Row = [kind: Notification['kind'], event: string, ...runs: string[]]

/** A body that a user configures, or a state of a recorded one that was not recorded. */
export type Composed = [type: SourceTypeName, body: object, Row, headers?: Record<string, string>]

/** The id of a stored run, and a notification of its end as the platform sends it. */
export interface End {
  id: string
  body: object
  headers?: Record<string, string>
}

/** The expected results for the recorded bodies that concern no provider, such as alerts. */
export const recorded: Record<string, Row> = {
  'alertmanager/firing': ['ignored', 'firing'],
  'alertmanager/mixed': ['ignored', 'firing'],
  'alertmanager/resolved': ['ignored', 'resolved'],
  'aws-sns/alarm': ['ignored', 'CloudWatch Alarm State Change'],
  'aws-sns/alarm-ok': ['ignored', 'CloudWatch Alarm State Change'],
  'aws-sns/alarm-insufficient-data': ['ignored', 'CloudWatch Alarm State Change'],
  'cloudevents/binary': ['ignored', 'com.example.order.failed'],
  'cloudevents/structured': ['ignored', 'com.example.order.failed'],
  'datadog/no-monitor': ['ignored', '$ALERT_TRANSITION'],
  'datadog/recovered': ['ignored', 'Recovered'],
  'datadog/triggered': ['ignored', 'Triggered'],
  'dynatrace/merged': ['ignored', 'MERGED'],
  'dynatrace/open': ['ignored', 'OPEN'],
  'dynatrace/resolved': ['ignored', 'RESOLVED'],
  'dynatrace/test': ['ignored', 'OPEN'],
  'eventbridge/aws-health-event.issue': ['ignored', 'AWS Health Event'],
  'eventbridge/cloudwatch-alarm-state-change.ok': ['ignored', 'CloudWatch Alarm State Change'],
  'grafana/firing': ['ignored', 'firing'],
  'grafana/resolved': ['ignored', 'resolved'],
  'grafana/test': ['ignored', 'firing'],
  'new-relic/activated': ['ignored', 'ACTIVATED'],
  'new-relic/closed': ['ignored', 'CLOSED'],
  'new-relic/created': ['ignored', 'CREATED'],
  'sentry/event_alert.triggered': ['ignored', 'event_alert.triggered'],
  'sentry/issue.created': ['ignored', 'issue.created'],
  'sentry/issue.resolved': ['ignored', 'issue.resolved'],
  'sentry/metric_alert.critical': ['ignored', 'metric_alert.critical'],
  'sentry/metric_alert.resolved': ['ignored', 'metric_alert.resolved'],
  'uptime-kuma/down': ['ignored', 'down'],
  'uptime-kuma/test': ['ignored', 'message'],
  'zabbix/problem': ['ignored', 'problem'],
  'zabbix/recovery': ['ignored', 'recovery'],
  'zabbix/update': ['ignored', 'update'],
  'uptime-kuma/up': ['ignored', 'up'],
  'aws-sns/Notification': ['ignored', 'Notification'],
  'aws-sns/SubscriptionConfirmation': ['first-request', 'SubscriptionConfirmation'],
  'aws-sns/UnsubscribeConfirmation': ['first-request', 'UnsubscribeConfirmation'],
  'eventbridge/cloudwatch-alarm-state-change.alarm': ['ignored', 'CloudWatch Alarm State Change'],
  'github/check_suite.completed': ['ignored', 'check_suite.completed'],
  'github/deployment_status': ['ignored', 'deployment_status.created'],
  'github/issues.opened': ['ignored', 'issues.opened'],
  'github/ping': ['first-request', 'ping'],
  'gitlab/deployment': ['ignored', 'deployment'],
  'gitlab/issue': ['ignored', 'issue.open'],
}

/** Bodies that a user configures, and states of recorded ones that were not recorded. */
export const composed: Composed[] = [
  ['http', { id: 'r-1' }, ['ended', 'notification', 'r-1']],
  ['http', { type: 'test.started' }, ['ignored', 'test.started']],
  [
    'sentry',
    { action: 'created' },
    ['first-request', 'installation.created'],
    { 'sentry-hook-resource': 'installation' },
  ],
]
