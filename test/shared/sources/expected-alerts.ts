import { load, type Recorded } from './recorded.ts'

/** An alert: its state, its key, and the time of its state. */
export type AlertRow = [state: 'firing' | 'resolved', key: string, at?: string]

const alarm = (region: string) => `arn:aws:cloudwatch:${region}:123456789012:alarm:ServerCpuTooHigh`
const SNS_MESSAGE = '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324'
const [instanceA, instanceB] = ['fd9eebe43a000c0c', '782554487a41f0ad']
const STARTED_AT = '2026-12-01T00:43:08.491Z'
const dynatraceProblem = '-4587338929394029922_1796032800000V2'
const newRelicIssue = '0ea2df1c-adab-45d2-aae0-042b609d2322'
const SENT_AT = '2026-11-30T10:00:00.000Z'
const LAST_EVENT_AT = '2022-04-04T18:17:18.320Z'

/** The alerts of the recorded bodies of senders of alerts. */
export const expectedAlerts: Record<string, AlertRow[]> = {
  'alertmanager/firing': [
    ['firing', instanceA, STARTED_AT],
    ['firing', instanceB, STARTED_AT],
  ],
  'alertmanager/mixed': [
    ['firing', instanceA, STARTED_AT],
    ['resolved', instanceB, '2026-12-01T00:44:08.637Z'],
  ],
  'alertmanager/resolved': [['resolved', instanceA, '2026-12-01T00:44:10.630Z']],
  'aws-sns/Notification': [['firing', SNS_MESSAGE]],
  'aws-sns/SubscriptionConfirmation': [],
  'aws-sns/UnsubscribeConfirmation': [],
  'aws-sns/alarm': [['firing', alarm('us-west-2'), '2026-11-30T10:00:00.123Z']],
  'aws-sns/alarm-insufficient-data': [],
  'aws-sns/alarm-ok': [['resolved', alarm('us-west-2'), '2026-11-30T10:20:00.000Z']],
  'cloudevents/binary': [['firing', '/orders/checkout new A234-1234-1234']],
  'cloudevents/structured': [['firing', '/orders/checkout A234-1234-1234']],
  'datadog/no-monitor': [],
  'datadog/recovered': [['resolved', '3041298475010922']],
  'datadog/triggered': [['firing', '3041298475010922']],
  'dynatrace/merged': [['resolved', dynatraceProblem]],
  'dynatrace/open': [['firing', dynatraceProblem]],
  'dynatrace/resolved': [['resolved', dynatraceProblem]],
  'dynatrace/test': [],
  'eventbridge/aws-health-event.issue': [['firing', '7bf73129-1428-4cd3-a780-95db273d1602']],
  'eventbridge/cloudwatch-alarm-state-change.alarm': [['firing', alarm('us-east-1'), '2019-10-02T17:04:40.989Z']],
  'eventbridge/cloudwatch-alarm-state-change.ok': [['resolved', alarm('us-east-1'), '2019-10-02T17:24:40.985Z']],
  'github/check_suite.completed': [],
  'github/issues.opened': [['firing', '444500041', '2019-05-15T15:20:18.000Z']],
  'github/ping': [],
  'github/workflow_run.completed': [],
  'gitlab/issue': [['firing', '301', '2013-12-03T17:15:43.000Z']],
  'gitlab/pipeline': [],
  'grafana/firing': [['firing', 'fac0861a85de433a']],
  'grafana/resolved': [['resolved', 'fac0861a85de433a', '2026-11-30T10:20:00.000Z']],
  'grafana/test': [],
  'incident-io/public_incident.incident_created_v2': [
    ['firing', '01FDAG4SAP5TYPT98WGR2N7W91', '2021-08-17T13:28:57.801Z'],
  ],
  'incident-io/public_incident.incident_status_updated_v2': [
    ['resolved', '01FDAG4SAP5TYPT98WGR2N7W91', '2021-08-17T14:00:00.000Z'],
  ],
  'new-relic/activated': [['firing', newRelicIssue]],
  'new-relic/closed': [['resolved', newRelicIssue]],
  'new-relic/created': [],
  'pagerduty/incident.action_invocation.terminated': [],
  'pagerduty/incident.priority_updated': [],
  'pagerduty/incident.resolved': [['resolved', 'PGR0VU2', '2020-10-02T18:45:22.169Z']],
  'pagerduty/incident.triggered': [['firing', 'PGR0VU2', '2020-10-02T18:45:22.169Z']],
  'sentry/event_alert.triggered': [['firing', 'issues/123', LAST_EVENT_AT]],
  'sentry/issue.created': [['firing', 'issues/123', LAST_EVENT_AT]],
  'sentry/issue.resolved': [['resolved', 'issues/123', LAST_EVENT_AT]],
  'sentry/metric_alert.critical': [['firing', 'metric/1']],
  'sentry/metric_alert.resolved': [['resolved', 'metric/1']],
  'uptime-kuma/down': [['firing', '1', SENT_AT]],
  'uptime-kuma/test': [],
  'zabbix/problem': [['firing', '26']],
  'zabbix/recovery': [['resolved', '26']],
  'zabbix/update': [],
  'uptime-kuma/up': [['resolved', '1', '2026-11-30T10:20:00.000Z']],
}

/** Returns a recorded request with other fields in the objects at a path. */
function changed(file: string, changes: object, path: string[] = []): Recorded {
  const request = load(file)
  const place = path.reduce((part, name) => part[name] as Record<string, unknown>, request.body)
  Object.assign(place, changes)
  return request
}

const incidentIo = 'public_incident.incident_created_v2'

/** States of recorded bodies that were not recorded. */
export const changedAlerts: [name: string, request: Recorded, AlertRow[]][] = [
  ...['Re-Triggered', 'Warn', 'Re-Warn', 'No Data', 'Re-No Data', 'Renotify'].map(
    (transition): (typeof changedAlerts)[number] => [
      `the transition ${transition} of Datadog`,
      changed('datadog/triggered', { transition }),
      [['firing', '3041298475010922']],
    ],
  ),
  [
    'a reopened issue of GitHub',
    changed('github/issues.opened', { action: 'reopened' }),
    [['firing', '444500041', '2019-05-15T15:20:18.000Z']],
  ],
  [
    'an issue of GitHub that gets a label',
    changed('github/issues.opened', { action: 'labeled' }),
    [['firing', '444500041', '2019-05-15T15:20:18.000Z']],
  ],
  [
    'a closed issue of GitHub that gets a label',
    changed('github/issues.opened', { action: 'labeled', issue: { id: 1, state: 'closed' } }),
    [],
  ],
  [
    'a closed issue of GitHub',
    changed('github/issues.opened', { action: 'closed' }),
    [['resolved', '444500041', '2019-05-15T15:20:18.000Z']],
  ],
  ['an edited issue of GitHub', changed('github/issues.opened', { action: 'edited' }), []],
  [
    'a closed incident of GitLab',
    changed('gitlab/issue', { action: 'close', type: 'Incident' }, ['object_attributes']),
    [['resolved', '301', '2013-12-03T17:15:43.000Z']],
  ],
  [
    'a reopened issue of GitLab',
    changed('gitlab/issue', { action: 'reopen' }, ['object_attributes']),
    [['firing', '301', '2013-12-03T17:15:43.000Z']],
  ],
  ['an edited issue of GitLab', changed('gitlab/issue', { action: 'update' }, ['object_attributes']), []],
  ['a merge request of GitLab', changed('gitlab/issue', { object_kind: 'merge_request' }), []],
  [
    'a reopened incident of PagerDuty',
    changed('pagerduty/incident.resolved', { event_type: 'incident.reopened' }, ['event']),
    [['firing', 'PGR0VU2', '2020-10-02T18:45:22.169Z']],
  ],
  [
    'an incident of incident.io in the envelope of Svix',
    {
      type: 'incident-io',
      headers: { 'svix-id': 'msg_1' },
      body: { type: incidentIo, timestamp: SENT_AT, data: load(`incident-io/${incidentIo}`).body[incidentIo] },
    },
    [['firing', '01FDAG4SAP5TYPT98WGR2N7W91', '2021-08-17T13:28:57.801Z']],
  ],
  [
    'a private incident of incident.io',
    {
      type: 'incident-io',
      headers: {},
      body: {
        event_type: 'private_incident.incident_created_v2',
        'private_incident.incident_created_v2': { id: '01F' },
      },
    },
    [],
  ],
  [
    'an edited incident of incident.io',
    {
      type: 'incident-io',
      headers: {},
      body: {
        event_type: 'public_incident.incident_updated_v2',
        'public_incident.incident_updated_v2': load(`incident-io/${incidentIo}`).body[incidentIo],
      },
    },
    [],
  ],
  [
    'an issue of Sentry that occurs again',
    changed('sentry/issue.created', { action: 'unresolved' }),
    [['firing', 'issues/123', LAST_EVENT_AT]],
  ],
  ['an assigned issue of Sentry', changed('sentry/issue.created', { action: 'assigned' }), []],
  ['a pending monitor of Uptime Kuma', changed('uptime-kuma/down', { status: 2 }, ['heartbeat']), []],
  [
    'an event of AWS by way of SNS',
    changed('aws-sns/Notification', { Message: JSON.stringify(load('eventbridge/aws-health-event.issue').body) }),
    [['firing', '7bf73129-1428-4cd3-a780-95db273d1602']],
  ],
  [
    'an alarm of EventBridge by way of SNS',
    changed('aws-sns/Notification', {
      Message: JSON.stringify(load('eventbridge/cloudwatch-alarm-state-change.ok').body),
    }),
    [['resolved', alarm('us-east-1'), '2019-10-02T17:24:40.985Z']],
  ],
  [
    'an event without an id by way of SNS',
    changed('aws-sns/Notification', { Message: '{"detail-type": "Order failed", "detail": {}}' }),
    [['firing', SNS_MESSAGE]],
  ],
]
