import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventWord, requireHeader, requireParts } from '../source-type.ts'

/** The parts of `data` that distinguish the resources. */
const PARTS = {
  error: ['error'],
  event: ['event_alert'],
  issue: ['activity_alert', 'issue'],
  metric_alert: ['metric_alert'],
}

/** @see https://docs.sentry.io/organization/integrations/integration-platform/webhooks/ */
export const sentry = defineSourceType({
  title: 'Sentry',
  signatures: ['sentry'],
  choosesKey: true,
  deliveryHeader: 'request-id',
  eventHeader: 'sentry-hook-resource',
  body: z.object({ action: optional(eventWord), data: z.nullish(z.record(z.string(), z.unknown())) }),
  read({ action, data }, headers) {
    const resource = requireHeader(headers, 'sentry-hook-resource')
    requireParts(resource, data ?? {}, PARTS)
    return {
      event: action === undefined ? resource : `${resource}.${action}`,
      isFirst: resource === 'installation',
    }
  },
  alerts: {
    firing:
      "contains(['metric_alert.critical', 'metric_alert.warning', 'issue.created', 'issue.unresolved', 'event_alert.triggered'], notification.event)",
    resolved: "contains(['metric_alert.resolved', 'issue.resolved'], notification.event)",
    // An alert on events ends with its issue.
    key: "data.metric_alert.identifier && join('/', ['metric', data.metric_alert.identifier]) || join('/', ['issues', data.issue.id || data.event.issue_id])",
    formerKey: "!data.metric_alert && join('/', ['issue', data.issue.id || data.event.issue_id]) || `null`",
    // An issue that was resolved can occur again. The time in the header is not signed, so it is that of the last event. The number of a
    // metric alert is never used again.
    at: 'data.metric_alert && `null` || data.issue.lastSeen || data.event.datetime',
  },
  setup: [
    'Open Settings > Developer Settings, and create an internal integration with the webhook URL {url}',
    'Enable "Alert Rule Action", and the webhooks for "issue": without these, alerts on events never end.',
    'Add the client secret of the integration to "keys" of the secret.',
    'Add the action "Send a notification via" the integration to the alert rules.',
    'Sentry waits for one second only, and does not repeat a request.',
    'An issue that is archived has not ended: close its ticket yourself. An issue that people open again, without a new event, opens no other ticket.',
  ],
  unverified: 'the actions of issues',
})
