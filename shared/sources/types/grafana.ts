import * as z from 'zod/mini'
import { defineSourceType, eventWord } from '../source-type.ts'

/** @see https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/ */
export const grafana = defineSourceType({
  title: 'Grafana Alerting',
  signatures: ['grafana-with-timestamp', 'grafana'],
  token: ['bearer'],
  basic: true,
  body: z.object({ status: eventWord }),
  read: ({ status: event }) => ({ event }),
  alerts: {
    each: 'alerts',
    firing: "status == 'firing'",
    resolved: "status == 'resolved'",
    // The hash of the labels. A sender that has restarted may report another start for the same alert, so the start is not in it.
    key: 'fingerprint',
    formerKey: "join('/', [fingerprint, startsAt])",
    at: "status == 'resolved' && endsAt || startsAt",
    test: "labels.alertname == 'TestAlert' && labels.instance == 'Grafana'",
  },
  setup: [
    'Open Alerting > Contact points, and add a contact point of the type Webhook.',
    'URL: {url}. HTTP method: POST.',
    {
      keys: 'HMAC signature: secret {secret}, timestamp header X-Grafana-Alerting-Timestamp. The header of the signature keeps its default. A Grafana without HMAC needs a token instead: --credential token.',
      token: 'Authorization header: scheme Bearer, credentials {secret}',
      password: 'HTTP basic authentication: username {user}, password {secret}',
    },
    'Keep "Disable resolved message" off, max alerts at 0, and the payload at its default.',
    'Click Test: it must succeed, and starts nothing. A query without data, or with an error, is an alert of its own: DatasourceNoData, DatasourceError.',
    'Grafana reports nothing about an alert that ends while it is silenced or muted: close its ticket yourself. If the alert fires again, it is the same one until its next end.',
  ],
})
