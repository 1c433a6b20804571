import * as z from 'zod/mini'
import { defineSourceType, eventWord } from '../source-type.ts'

/** @param credentials of `http_config` */
function receiverWith(credentials: string): string {
  return `Add a receiver to the configuration, and name it in a route:
receivers:
  - name: webhooks
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          ${credentials}`
}

/** @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
export const alertmanager = defineSourceType({
  title: 'Prometheus Alertmanager',
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
  },
  setup: [
    {
      token: 'Write the token into a file that only Alertmanager can read: {secret}',
      password: 'Write the password into a file that only Alertmanager can read: {secret}',
    },
    {
      token: receiverWith('authorization: { type: Bearer, credentials_file: /etc/alertmanager/webhooks-token }'),
      password: receiverWith('basic_auth: { username: {user}, password_file: /etc/alertmanager/webhooks-password }'),
    },
    'Alertmanager repeats a request until it succeeds, for about the group_interval of the route. Do not set max_alerts: alerts above it are lost.',
    'If Prometheus cannot reach Alertmanager for some minutes, Alertmanager reports that its alerts have ended, and later that they fire with the same start. That is the same alert: it does not open another ticket.',
    'Alertmanager reports nothing about an alert that ends while it is silenced, inhibited or muted, also not afterwards: close its ticket yourself. If the alert fires again, it is the same one until its next end.',
  ],
})
