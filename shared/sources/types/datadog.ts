import * as z from 'zod/mini'
import { defineSourceType, eventWord } from '../source-type.ts'

/** @see https://docs.datadoghq.com/integrations/webhooks/ */
export const datadog = defineSourceType({
  title: 'Datadog',
  token: ['bearer'],
  basic: true,
  body: z.object({ transition: eventWord }),
  read: ({ transition: event }) => ({ event }),
  alerts: {
    firing:
      "contains(['Triggered', 'Re-Triggered', 'Warn', 'Re-Warn', 'No Data', 'Re-No Data', 'Renotify'], transition)",
    resolved: "transition == 'Recovered'",
    // Each group of a monitor has a cycle of its own, from its start to its recovery.
    key: 'cycle',
  },
  setup: [
    'Open Integrations > Webhooks, and add a webhook with the name webhooks and the URL {url}',
    {
      token: 'Custom headers: {"Authorization": "Bearer {secret}"}',
      password: 'Custom headers: {"Authorization": "Basic {basic}"}',
    },
    `Payload, with "Encode as form" off:
{"id": "$ID", "cycle": "$ALERT_CYCLE_KEY", "monitor": "$ALERT_ID", "transition": "$ALERT_TRANSITION", "type": "$ALERT_TYPE",
 "title": "$EVENT_TITLE", "scope": "$ALERT_SCOPE", "priority": "$ALERT_PRIORITY", "host": "$HOSTNAME", "tags": "$TAGS",
 "link": "$LINK", "date": "$DATE", "org": "$ORG_ID"}`,
    'Mention @webhook-webhooks in the messages of the monitors, also in the message of the recovery.',
  ],
})
