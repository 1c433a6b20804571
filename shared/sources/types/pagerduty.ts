import * as z from 'zod/mini'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://developer.pagerduty.com/docs/webhooks-overview */
export const pagerduty = defineSourceType({
  title: 'PagerDuty',
  signatures: ['pagerduty'],
  choosesKey: true,
  deliveryHeader: 'x-webhook-id',
  body: z.object({
    event: z.object({
      event_type: eventWord,
      data: z.nullish(z.object({ id: z.nullish(eventId), incident_key: z.nullish(eventId) })),
    }),
  }),
  read({ event: { event_type: event, data } }) {
    return {
      event,
      // An incident that was created by an event is known by the key of the event.
      runs: event.startsWith('incident.') ? [data?.id ?? undefined, data?.incident_key ?? undefined] : [],
      ended: ['incident.resolved', 'incident.action_invocation.terminated'].includes(event),
      isFirst: event === 'pagey.ping',
    }
  },
  alerts: {
    firing: "contains(['incident.triggered', 'incident.reopened'], event.event_type)",
    resolved: "event.event_type == 'incident.resolved'",
    key: 'event.data.id',
    at: 'event.occurred_at',
  },
  setup: [
    'Open Integrations > Generic Webhooks (v3), and add a webhook.',
    'Webhook URL: {url}',
    'Scope: the service whose incidents and actions you use.',
    'Events: incident.resolved, for wake-ups also incident.action_invocation.terminated, for rules also incident.triggered and incident.reopened.',
    'Add the secret that PagerDuty shows once to "keys" of the secret.',
  ],
})
