import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, requireHeader, word } from '../source-type.ts'

/** @see https://docs.sentry.io/organization/integrations/integration-platform/webhooks/ */
export const sentry = defineSourceType({
  title: 'Sentry',
  signatures: ['sentry'],
  choosesKey: true,
  deliveryHeader: 'request-id',
  body: z.object({ action: optional(word) }),
  read({ action }, headers) {
    const resource = requireHeader(headers, 'sentry-hook-resource')
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
    key: "data.metric_alert.identifier && join('/', ['metric', data.metric_alert.identifier]) || join('/', ['issue', data.issue.id || data.event.issue_id])",
    // An issue that was resolved can occur again. No body has the time of that.
    at: 'notification.headers."sentry-hook-timestamp"',
  },
  setup: [
    'Open Settings > Developer Settings, and create an internal integration with the webhook URL {url}',
    'Enable "Alert Rule Action", and the webhooks for "issue": without these, alerts on events never end.',
    'Add the client secret of the integration to "keys" of the secret.',
    'Add the action "Send a notification via" the integration to the alert rules.',
    'Sentry waits for one second only, and does not repeat a request.',
  ],
  unverified: 'the actions of issues',
})
