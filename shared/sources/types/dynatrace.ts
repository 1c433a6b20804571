import * as z from 'zod/mini'
import { defineSourceType, eventWord } from '../source-type.ts'

/** @see https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration */
export const dynatrace = defineSourceType({
  title: 'Dynatrace',
  token: ['bearer'],
  basic: true,
  body: z.object({ state: eventWord }),
  read: ({ state: event }) => ({ event }),
  alerts: {
    firing: "state == 'OPEN'",
    // A merged problem does not get another notification.
    resolved: "contains(['RESOLVED', 'MERGED'], state)",
    // A notification has no time of its own. So a problem that Dynatrace reopens is the same alert.
    key: 'pid',
    test: "pid == '999999999999999'",
  },
  setup: [
    'Open Settings > Integration > Problem notifications, and add a custom integration with the URL {url}',
    {
      token: 'Add the HTTP header Authorization with the secret value: Bearer {secret}',
      password: 'Add the HTTP header Authorization with the secret value: Basic {basic}',
    },
    'Enable "Send notification if a problem is closed".',
    `Custom payload:
{"pid": "{PID}", "id": "{ProblemID}", "state": "{State}", "title": "{ProblemTitle}", "impact": "{ProblemImpact}",
 "severity": "{ProblemSeverity}", "url": "{ProblemURL}", "tags": "{Tags}", "entities": {ImpactedEntities}}`,
    'Choose an alerting profile. The test notification starts nothing.',
  ],
  unverified: 'the values of the state, and the test notification',
})
