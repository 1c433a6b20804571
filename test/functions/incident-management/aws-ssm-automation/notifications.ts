import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: '12345678-90ab-cdef-1234-567890abcdef',
  body: {
    id: 'an-event',
    source: 'aws',
    'detail-type': 'EC2 Automation Execution Status-change Notification',
    detail: { ExecutionId: '12345678-90ab-cdef-1234-567890abcdef', Status: 'Rejected' },
  },
}

export const recorded: Record<string, Row> = {
  'eventbridge/ec2-automation-execution-status-change-notification.success': [
    'ended',
    'EC2 Automation Execution Status-change Notification: Success',
    '333ba70b-2333-48db-b17e-a5e69c6f4d1c',
  ],
  'eventbridge/ec2-automation-step-status-change-notification.success': [
    'ignored',
    'EC2 Automation Step Status-change Notification',
  ],
}
