import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: '01CELD6T9C2JS745I7CAK0LRRF',
  body: { event: { event_type: 'incident.action_invocation.terminated', data: { id: '01CELD6T9C2JS745I7CAK0LRRF' } } },
}

export const recorded: Record<string, Row> = {
  'pagerduty/incident.action_invocation.terminated': [
    'ended',
    'incident.action_invocation.terminated',
    '01CELD6T9C2JS745I7CAK0LRRF',
  ],
}
