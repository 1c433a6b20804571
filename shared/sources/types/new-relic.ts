import * as z from 'zod/mini'
import { defineSourceType, eventWord } from '../source-type.ts'

/** @see https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook */
export const newRelic = defineSourceType({
  title: 'New Relic',
  token: ['bearer'],
  basic: true,
  body: z.object({ state: eventWord }),
  read: ({ state: event }) => ({ event }),
  alerts: { firing: "state == 'ACTIVATED'", resolved: "state == 'CLOSED'", key: 'id' },
  setup: [
    {
      token:
        'Open Alerts > Destinations, and add a webhook with the URL {url} and the authorization "Bearer token": {secret}',
      password:
        'Open Alerts > Destinations, and add a webhook with the URL {url} and the authorization "Basic auth": username {user}, password {secret}',
    },
    'Open Alerts > Workflows, and add the destination to a workflow that notifies when an issue is activated and closed.',
    `Payload template:
{"id": {{ json issueId }}, "state": {{ json state }}, "title": {{ json annotations.title.[0] }}, "priority": {{ json priority }},
 "url": {{ json issuePageUrl }}, "entities": {{ json entitiesData.names }}, "policies": {{ json accumulations.policyName }},
 "conditions": {{ json accumulations.conditionName }}, "workflow": {{ json workflowName }}}`,
  ],
  unverified: 'the payload template, and the test notification, which may start an action',
})
