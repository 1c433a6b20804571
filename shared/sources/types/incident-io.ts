import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { isRecord } from '../../record.ts'
import { defineSourceType, eventWord } from '../source-type.ts'

const hasState =
  "(contains(notification.event, '.incident_created_') || contains(notification.event, '.incident_status_updated_'))"
const category = '(new_status.category || incident.incident_status.category)'

/** @see https://api-docs.incident.io/tag/Webhooks */
export const incidentIo = defineSourceType({
  title: 'incident.io',
  signatures: ['standard-webhooks', 'svix'],
  choosesKey: true,
  body: z.looseObject({ event_type: optional(eventWord), type: optional(eventWord) }),
  read({ event_type, type, ...body }, headers) {
    const event = event_type ?? type ?? 'unknown'
    // The data is in a field that has the name of the event.
    const data = body[event] ?? body['data']
    const content = isRecord(data) && isRecord(data['incident']) ? data : { incident: data }
    return { event, content, delivery: headers['webhook-id'] ?? headers['svix-id'] }
  },
  alerts: {
    firing: `${hasState} && contains(['triage', 'live'], ${category})`,
    resolved: `${hasState} && contains(['closed', 'declined', 'merged', 'canceled'], ${category})`,
    key: 'incident.id',
    at: 'incident.updated_at',
  },
  setup: [
    'Open Settings > Webhooks, and add an endpoint with the URL {url}',
    'Events: public_incident.incident_created_v2 and public_incident.incident_status_updated_v2. Events of private incidents have no status, so they start nothing.',
    'Add the signing secret of the endpoint to "keys" of the secret.',
  ],
  unverified: 'all events except public_incident.incident_created_v2',
})
