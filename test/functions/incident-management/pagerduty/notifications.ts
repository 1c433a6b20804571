import type { Composed, Row } from '../../../shared/sources/expected-events.ts'

export const recorded: Record<string, Row> = {
  'pagerduty/incident.priority_updated': [
    'progress',
    'incident.priority_updated',
    'PGR0VU2',
    'd3640fbd41094207a1c11e58e46b1662',
  ],
  'pagerduty/incident.resolved': ['ended', 'incident.resolved', 'PGR0VU2', 'd3640fbd41094207a1c11e58e46b1662'],
  'pagerduty/incident.triggered': ['progress', 'incident.triggered', 'PGR0VU2', 'd3640fbd41094207a1c11e58e46b1662'],
  'pagerduty/service.updated': ['ignored', 'service.updated'],
}

export const composed: Composed[] = [
  ['pagerduty', { event: { event_type: 'pagey.ping', data: { message: 'Hello' } } }, ['first-request', 'pagey.ping']],
]
