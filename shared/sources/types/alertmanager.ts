import * as z from 'zod/mini'
import { defineSourceType, word } from '../source-type.ts'

/** @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
export const alertmanager = defineSourceType({
  title: 'Prometheus Alertmanager',
  token: ['bearer'],
  basic: true,
  body: z.object({ status: word }),
  read: ({ status: event }) => ({ event }),
  alerts: {
    each: 'alerts',
    firing: "status == 'firing'",
    resolved: "status == 'resolved'",
    // The fingerprint is the hash of the labels: the same when the alert fires again next week.
    key: "join('/', [fingerprint, startsAt])",
  },
  setup: [
    'Write the token into a file that only Alertmanager can read: {secret}',
    `Add a receiver to the configuration, and name it in a route:
receivers:
  - name: webhooks
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          authorization: { type: Bearer, credentials_file: /etc/alertmanager/webhooks-token }`,
    'Alertmanager repeats a request until it succeeds, for about the group_interval of the route. Do not set max_alerts: alerts above it are lost.',
    'If Prometheus cannot reach Alertmanager for some minutes, Alertmanager reports that its alerts have ended, and later that they fire with the same start. That is the same alert: it does not open another ticket.',
  ],
})
