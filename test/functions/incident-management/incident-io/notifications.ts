import type { Row } from '../../../shared/sources/expected-events.ts'

export const recorded: Record<string, Row> = {
  'incident-io/public_incident.incident_created_v2': ['ignored', 'public_incident.incident_created_v2'],
  'incident-io/public_incident.incident_status_updated_v2': ['ignored', 'public_incident.incident_status_updated_v2'],
}
