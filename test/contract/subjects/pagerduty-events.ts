import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const title = 'Checkout is slow'
const description = 'Since 14:03\n\nhttps://example.com/problem/1'
const id = 'srv01/mysql'

export const pagerdutyEvents: Subject = {
  name: 'pagerduty-events',
  contract: 'pagerduty-events',
  cases: [
    { action: 'check', how: 'the integration key' },
    { action: 'open-ticket', how: 'with a title alone', input: { title }, says: 'Opened' },
    {
      action: 'open-ticket',
      how: 'with everything',
      input: {
        ...{
          title,
          description,
          type: 'disk',
          labels: ['sev 1'],
          priority: 'high',
          urgency: 'low',
          severity: 'medium',
        },
        fields: { images: [{ src: 'https://example.com/x.png' }], payload: { component: 'mysql', group: 'prod' } },
      },
      says: 'Opened',
    },
    { action: 'open-ticket', how: 'without an event id', input: { title }, noKey: true, says: 'Opened' },
    { action: 'open-ticket', how: 'again', input: { title, description }, isRetry: true, says: 'Opened' },
    { action: 'update-ticket', how: 'everything', input: { id, title, description, severity: 'critical' } },
    { action: 'update-ticket', how: 'to acknowledged', input: { id, state: 'acknowledged' } },
    { action: 'update-ticket', how: 'to closed', input: { id, state: 'closed' } },
    {
      action: 'update-ticket',
      how: 'a comment',
      input: { id, comment: 'x' },
      refused: true,
      says: 'provider pagerduty',
    },
    { action: 'close-ticket', how: 'an alert', input: { id }, says: 'accepted the close' },
    {
      action: 'close-ticket',
      how: 'refused',
      input: { id },
      answers: {
        'POST /enqueue': [
          { status: 400, body: { status: 'Unrecognized object', message: 'Event object format is unrecognized' } },
        ],
      },
      refused: true,
      says: 'Event object format is unrecognized',
    },
  ],
  run: driveProvider('incident-management', 'pagerduty-events', { token: 'e93facc04764012d7bfb002500d5d1a6' }),
}
